"""The folders of the action space. A package of `shared/actions` belongs to the folder of its name."""

from shared.spaces.metadata import SpaceEntry, folder

ROOT = "actions"

#: In the order that routers see them.
FOLDERS: tuple[SpaceEntry, ...] = (
    folder(ROOT, "actions", "Everything a node can do.", None),
    folder("reasoning", "reasoning", "Plan, judge, and find out what must be known.", ROOT),
    folder("writing", "writing", "Write text for people to read.", ROOT),
    folder("coding", "coding", "Write programs.", ROOT),
    folder("communication", "communication", "Talk to the user.", ROOT),
    folder("memory", "memory", "Recall and remember.", ROOT),
)
