"""The actions that nodes can perform: those that ship with the app, and those of one swarm with how often each was."""

from collections import Counter, deque

from pydantic import BaseModel, ConfigDict

from shared.errors import NotFound
from shared.services import Services
from shared.spaces.action_space import ActionSpace
from shared.spaces.metadata import ActionMetadata, TerminationPolicy
from shared.spaces.space import BuiltinSpace, Space
from shared.store import Category
from shared.store.documents import Documents
from shared.tenancy import TenantContext
from shared.types import SpaceKey, check_item_id
from shared.usecases.listing import page_of

#: Folders of an action space that are read at most.
MAX_FOLDERS = 256
#: Nodes that are looked at to tell how often each action was performed.
MAX_COUNTED = 5_000
_PAGE = 200


class ActionView(BaseModel):
    """What a node can do, and how it is found."""

    model_config = ConfigDict(frozen=True)

    action_id: str
    name: str
    description: str
    #: The names of the folders it lies in, from the top down.
    path: tuple[str, ...]
    termination_policy: TerminationPolicy
    #: Whether it may ask the user something and wait.
    may_block: bool
    #: Whether it ships with the app; else the swarm made it.
    built_in: bool


class UsedAction(ActionView):
    """An action of one swarm, and how many of the nodes that were counted perform it."""

    used: int


class UsedActions(BaseModel):
    """Some of what a swarm's nodes can do, the cursor that goes on, and how many nodes were counted."""

    model_config = ConfigDict(frozen=True)

    items: list[UsedAction]
    cursor: str | None
    counted: int
    #: False if the swarm has more nodes than are counted.
    complete: bool


class _Node(BaseModel):
    """What counts of a node."""

    action_id: str


async def list_actions(services: Services, limit: int, cursor: str | None) -> tuple[list[ActionView], str | None]:
    """The actions that ship with the app, folder by folder, and the cursor that goes on."""
    return page_of(await _walk(services.actions, services.actions), lambda action: action.action_id, limit, cursor)


async def get_action(services: Services, action_id: str) -> ActionView:
    """One action that ships with the app; raises `NotFound`."""
    check_item_id(action_id, "action_id")
    for action in await _walk(services.actions, services.actions):
        if action.action_id == action_id:
            return action
    raise NotFound(f"there is no action {action_id!r}")


async def list_swarm_actions(
    services: Services, tenant: TenantContext, swarm_id: str, limit: int, cursor: str | None
) -> UsedActions:
    """What the nodes of a swarm can do, what it made itself included, with how often each was chosen."""
    space, _ = await services.swarm(tenant, swarm_id)
    offered = await _walk(ActionSpace(services.store, space, services.actions), services.actions)
    shown, after = page_of(offered, lambda action: action.action_id, limit, cursor)
    used, complete = await _used(services, space)
    items = [UsedAction(**action.model_dump(), used=used[action.action_id]) for action in shown]
    return UsedActions(items=items, cursor=after, counted=used.total(), complete=complete)


async def _used(services: Services, space: SpaceKey) -> tuple[Counter[str], bool]:
    """How many nodes perform each action, and whether all were counted."""
    nodes = Documents(services.store, Category.SWARM_STATE, _Node)
    used: Counter[str] = Counter()
    cursor: str | None = None
    while used.total() < MAX_COUNTED:
        page, cursor = await nodes.page(space, limit=_PAGE, cursor=cursor)
        used.update(node.action_id for node in page)
        if cursor is None:
            break
    return used, cursor is None


async def _walk(space: Space, shipped: BuiltinSpace) -> list[ActionView]:
    """The actions of a space, those of a folder before those of its subfolders."""
    found: list[ActionView] = []
    queue: deque[tuple[str, tuple[str, ...]]] = deque([(space.root_id, ())])
    for _ in range(MAX_FOLDERS):
        if not queue:
            break
        folder_id, path = queue.popleft()
        children = await space.children(folder_id)
        found += [_view(child, path, shipped) for child in children if isinstance(child, ActionMetadata)]
        queue.extend((child.id, (*path, child.name)) for child in children if child.kind == "folder")
    return found


def _view(action: ActionMetadata, path: tuple[str, ...], shipped: BuiltinSpace) -> ActionView:
    return ActionView(
        action_id=action.id,
        name=action.name,
        description=action.description,
        path=path,
        termination_policy=action.termination_policy,
        may_block=action.may_block,
        built_in=shipped.find(action.id) is not None,
    )
