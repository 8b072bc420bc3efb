"""What every util declares: an entry of the util space, and a tool that a model can be told of."""

import pytest

from shared.errors import NotFound
from shared.spaces.space import BuiltinSpace
from shared.utils.folders import FOLDERS
from shared.utils.registry import UTILS, collect, util_of
from shared.utils.util import Arguments, Done, Util, UtilError
from shared.utils.workbench import Workbench


class Two(Arguments):
    """Two numbers."""

    first: int
    second: int = 2


async def add(_bench: Workbench, given: Two) -> Done:
    return Done(said=str(given.first + given.second))


def declared(util_id: str = "model.add") -> Util[Two]:
    return Util(id=util_id, description="Adds.", arguments=Two, result=Done, effect="pure", call=add)


def test_the_utils_make_one_tree() -> None:
    space = BuiltinSpace([*FOLDERS, *(util.metadata for util in UTILS.values())])
    assert all(space.find(util_id) is not None for util_id in UTILS)


def test_models_tell_them_apart_by_name() -> None:
    assert len({util.name for util in UTILS.values()}) == len(UTILS)


@pytest.mark.parametrize("util", UTILS.values(), ids=UTILS)
def test_every_argument_is_explained_to_the_model(util: Util[Arguments]) -> None:
    tool = util.tool
    assert tool.parameters["type"] == "object"
    assert tool.parameters["additionalProperties"] is False
    for name, schema in tool.parameters["properties"].items():
        assert schema.get("description") or schema["type"] == "boolean", name


def test_arguments_that_are_not_right_are_named() -> None:
    with pytest.raises(UtilError, match=r"second: .*integer.*third: Extra inputs"):
        declared().parse({"first": 1, "second": "many", "third": 3})


def test_an_unknown_util_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"no util 'files\.nothing'"):
        util_of("files.nothing")


@pytest.mark.parametrize("util_id", ["nowhere.add", "model", "model.not a name"])
def test_an_id_without_a_folder_is_refused(util_id: str) -> None:
    with pytest.raises(ValueError, match="use the id"):
        declared(util_id)


def test_a_module_without_a_util_is_refused() -> None:
    with pytest.raises(ValueError, match="end the module with UTIL"):
        list(collect("shared", "sandbox"))
