"""The blob port: content too large for a document, addressed by its hash within one swarm space."""

from shared.blobs.port import BlobRef, Blobs

__all__ = ["BlobRef", "Blobs"]
