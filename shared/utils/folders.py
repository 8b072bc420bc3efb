"""The folders of the util space. A package of `shared/utils` belongs to the folder of its name."""

from shared.spaces.metadata import SpaceEntry, folder

ROOT = "utils"

FOLDERS: tuple[SpaceEntry, ...] = (
    folder(ROOT, "utils", "The tools that actions work with.", None),
    folder("files", "files", "Read and change the files of the workspace.", ROOT),
    folder("programs", "programs", "Run programs of the workspace in the sandbox.", ROOT),
    folder("memory", "memory", "Recall, remember, and read what other nodes reported.", ROOT),
    folder("model", "model", "Ask a model.", ROOT),
)
