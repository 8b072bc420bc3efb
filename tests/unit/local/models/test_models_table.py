"""The table of offline models is well formed."""

import re

import pytest

from local.models.table import MODELS, ModelFile, default_model, find
from shared.errors import NotFound

each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


@each_model
def test_a_hash_is_a_sha256(model: ModelFile) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", model.sha256)


@each_model
def test_every_part_is_pinned_and_named_once(model: ModelFile) -> None:
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", part.requirement) for part in model.parts)
    assert len({part.requirement for part in model.parts}) == len(model.parts) > 0


@each_model
def test_the_official_address_is_https_and_a_gguf_file(model: ModelFile) -> None:
    assert re.fullmatch(r"https://\S+/resolve/main/\S+\.gguf", model.url)


def test_names_files_and_hashes_are_distinct() -> None:
    for field in ("name", "filename", "sha256", "url"):
        assert len({getattr(model, field) for model in MODELS}) == len(MODELS)


def test_there_is_one_default() -> None:
    assert [model.name for model in MODELS if model.default] == ["qwen2.5-coder-1.5b"]
    assert find(None) == default_model()


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(NotFound, match="smollm2-135m"):
        find("gpt")
