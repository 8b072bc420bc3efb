"""Bounds of a workspace; every refusal names the one it rests on."""

#: Files of one workspace.
MAX_FILES = 5_000
#: Bytes of all its files together.
MAX_BYTES = 100 * 1024 * 1024
#: Bytes of one text; a binary file is bounded by the workspace alone.
MAX_TEXT = 5 * 1024 * 1024
#: UTF-8 bytes of a path and of one of its segments, and the number of segments.
MAX_PATH = 512
MAX_SEGMENT = 255
MAX_DEPTH = 40
#: Bytes of a zip file that is read, and of one that is written.
MAX_ZIP = 128 * 1024 * 1024
#: Bytes of a zip file's table of contents.
MAX_ZIP_TABLE = 4 * 1024 * 1024
#: Bytes of a patch.
MAX_PATCH = 64 * 1024 * 1024
#: Uploads or documents of one operation that are in flight at the same time.
IN_FLIGHT = 32
