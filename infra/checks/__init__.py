"""Checks of the infrastructure that need no cloud and no compiler: `make infra-check`, or `python -m infra.checks`.

A template is parsed (`syntax`, `template`), looked at by itself (`symbols`, `schema`, `security`), together with those
it is composed of (`modules`), and as what it deploys (`evaluate`) against what the code expects (`contracts`, `roles`,
`host`, `azd`). `everything` runs them all; `faults` shows what they see.
"""
