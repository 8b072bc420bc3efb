"""What a schedule or a hook starts: a swarm as its user stated it, kept until it is wanted.

The context lies in the owner's document, or in a blob once it is larger than 64 KiB. Each such blob has a space of its
own in its user's name, under an id that no swarm can have, so that dropping one template takes nothing from another.
"""

import json
import secrets
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, TypeAdapter

from shared.blobs import BlobRef
from shared.errors import NotFound, Unavailable
from shared.services import Services
from shared.swarm.budget import Limits
from shared.swarm.swarm import ContextRef
from shared.types import SpaceKey
from shared.usecases.context_documents import ContextInput
from shared.usecases.create_swarm import NewSwarm, checked, listed

#: Bytes of context, as JSON, that the document of a template's owner holds.
MAX_INLINE = 64 * 1024
#: Bytes of context, as JSON, in a blob. What a request may have is within it.
MAX_KEPT = 8_388_608

_CONTEXT = TypeAdapter(tuple[ContextInput, ...])


class Template(BaseModel):
    """A swarm to be started later, as the document of its owner keeps it."""

    model_config = ConfigDict(frozen=True)

    directive: str
    limits: Limits = Limits()
    #: What is shown of the context.
    listed: tuple[ContextRef, ...] = ()
    #: The context itself, unless it lies in a blob.
    context: tuple[ContextInput, ...] = ()
    #: The blob, and the id of the space that it has for itself.
    blob: BlobRef | None = None
    place: str = ""


async def keep(
    services: Services, space: SpaceKey, new: NewSwarm, more: Sequence[ContextInput] = (), request: str | None = None
) -> Template:
    """Keep what is to be started for the user of an account's space.

    Under the id of a request it is kept once, however often that is repeated. Raises `InvalidInput` for what could
    never start, with the documents in `more` besides its own, which are not kept.
    """
    most = services.settings.fan_out
    checked(new if not more else new.model_copy(update={"context": [*new.context, *more]}), most)
    documents = [listed(doc) for doc, _ in checked(new, most)]
    template = Template(directive=new.directive, limits=new.limits, listed=tuple(documents))
    content = json.dumps([given.model_dump() for given in new.context], ensure_ascii=False).encode()
    if len(content) <= MAX_INLINE:
        return template.model_copy(update={"context": tuple(new.context)})
    place = f"template-{request or secrets.token_hex(12)}"
    blob = await services.blobs.put(SpaceKey(space.user_id, place), content, max_bytes=MAX_KEPT)
    return template.model_copy(update={"blob": blob, "place": place})


async def load(services: Services, space: SpaceKey, template: Template) -> NewSwarm:
    """What is to be started; raises `Unavailable` if another took its place this moment."""
    context = template.context
    if template.blob is not None:
        try:
            content = await services.blobs.read(SpaceKey(space.user_id, template.place), template.blob)
        except NotFound:
            raise Unavailable("what is started is being changed: try again in a moment", retry_after=1) from None
        context = _CONTEXT.validate_json(content)
    return NewSwarm(directive=template.directive, context=list(context), limits=template.limits)


async def drop(services: Services, space: SpaceKey, template: Template) -> None:
    """Forget what lies outside the owner's document, which no longer names this template. Twice is no error."""
    if template.blob is not None:
        await services.blobs.drop(SpaceKey(space.user_id, template.place))
