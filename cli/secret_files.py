"""Which files of a project look like a secret, by their names and by what is in them."""

import re

from pathspec import GitIgnoreSpec

#: Names under which tools keep passwords, tokens and private keys.
_NAMES = GitIgnoreSpec.from_lines(
    """
    .env
    .env.*
    !.env.example
    !.env.sample
    !.env.template
    !.env.dist
    .envrc
    *.key
    *.p12
    *.pfx
    *.ppk
    *.jks
    *.keystore
    *.kdbx
    *.ovpn
    id_rsa
    id_dsa
    id_ecdsa
    id_ed25519
    .netrc
    _netrc
    .pgpass
    .pypirc
    .htpasswd
    .git-credentials
    .vault-token
    .ssh/
    .gnupg/
    .aws/
    .azure/
    .kube/
    .docker/config.json
    credentials.json
    client_secret*.json
    service-account*.json
    service_account*.json
    secrets.json
    secrets.toml
    secrets.yaml
    secrets.yml
    local.settings.json
    *.tfstate
    *.tfstate.backup
    *.tfvars
    """.replace(" ", "").splitlines()
)
#: Forms of keys and tokens that nothing else has, each with the texts that every one of them holds.
_CONTENTS = {
    "a private key": ((b"PRIVATE KEY-----",), rb"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----"),
    "an AWS access key": ((b"AKIA", b"ASIA"), rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": (
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
        rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50})",
    ),
    "a GitLab token": ((b"glpat-",), rb"\bglpat-[\w-]{20}"),
    "a Slack token": ((b"xox",), rb"\bxox[abprs]-[\w-]{20}"),
    "a model provider's key": ((b"sk-",), rb"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32}"),
    "a Google API key": ((b"AIza",), rb"\bAIza[\w-]{35}"),
    "a Stripe key": ((b"k_live_",), rb"\b[sr]k_live_[A-Za-z0-9]{20}"),
    "an npm token": ((b"npm_",), rb"\bnpm_[A-Za-z0-9]{36}\b"),
    "a PyPI token": ((b"pypi-AgEIcHlwaS5vcmc",), rb"\bpypi-AgEIcHlwaS5vcmc[\w-]{50}"),
    "an Azure storage key": ((b"AccountKey=",), rb"AccountKey=[A-Za-z0-9+/]{86}=="),
    "a SendGrid key": ((b"SG.",), rb"\bSG\.[\w-]{22}\.[\w-]{43}"),
}
#: Bytes of a file that are looked at.
LOOKED_AT = 1024 * 1024


def secret_name(path: str) -> bool:
    """Whether a file with this path, relative to its project, usually holds secrets."""
    return _NAMES.match_file(path)


def secret_content(content: bytes) -> str | None:
    """The kind of secret that is in a file's first bytes, or None."""
    content = content[:LOOKED_AT]
    for kind, (held, form) in _CONTENTS.items():
        if any(text in content for text in held) and re.search(form, content):
            return kind
    return None
