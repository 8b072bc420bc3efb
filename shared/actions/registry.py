"""The registry of built-in actions: what ships with the app, as the action space shows it and as a node runs it."""

from dataclasses import dataclass

from shared.actions.coding import write_python
from shared.actions.communication import ask_user_questions
from shared.actions.context import Perform
from shared.actions.memory import save_memory, search_memory
from shared.actions.reasoning import decompose_directive, determine_unknown_requirements, review_reports
from shared.actions.writing import write_document
from shared.errors import NotFound
from shared.spaces.metadata import ActionMetadata, SpaceEntry, TerminationPolicy, folder

ROOT = "actions"


@dataclass(frozen=True, slots=True)
class Action:
    """An action's entry in the action space and the function that performs it."""

    metadata: ActionMetadata
    perform: Perform

    @property
    def is_manager(self) -> bool:
        """Whether a node that performs it carries on through children and reviews their reports."""
        return self.metadata.termination_policy == "confirm_directive_completion"


def _action(
    action_id: str,
    name: str,
    description: str,
    perform: Perform,
    *,
    policy: TerminationPolicy = "simple",
    may_block: bool = False,
) -> Action:
    metadata = ActionMetadata(
        id=action_id,
        name=name,
        description=description,
        parent_id=action_id.split(".")[0],
        termination_policy=policy,
        may_block=may_block,
    )
    return Action(metadata, perform)


FOLDERS: tuple[SpaceEntry, ...] = (
    folder(ROOT, "actions", "Everything a node can do.", None),
    folder("reasoning", "reasoning", "Plan, judge, and find out what must be known.", ROOT),
    folder("writing", "writing", "Write text for people to read.", ROOT),
    folder("coding", "coding", "Write programs.", ROOT),
    folder("communication", "communication", "Talk to the user.", ROOT),
    folder("memory", "memory", "Recall and remember.", ROOT),
)

ACTIONS: dict[str, Action] = {
    action.metadata.id: action
    for action in (
        _action(
            decompose_directive.ACTION_ID,
            "decompose directive",
            "Break a directive that is too big for one worker into parts that run in parallel, and manage them.",
            decompose_directive.perform,
            policy="confirm_directive_completion",
        ),
        _action(
            determine_unknown_requirements.ACTION_ID,
            "determine unknown requirements",
            "Find out what must be known before work can start, and ask the user for what only the user knows.",
            determine_unknown_requirements.perform,
            policy="clone_with_questions_answered",
            may_block=True,
        ),
        _action(
            write_document.ACTION_ID,
            "write document",
            "Write one text or Markdown document: a guide, report, letter, plan, list, summary or documentation.",
            write_document.perform,
        ),
        _action(
            write_python.ACTION_ID,
            "write Python",
            "Write one Python module or script that computes, reads or transforms something.",
            write_python.perform,
        ),
        _action(
            ask_user_questions.ACTION_ID,
            "ask user questions",
            "Ask the user for a decision, a preference or a fact that only the user knows.",
            ask_user_questions.perform,
            policy="clone_with_questions_answered",
            may_block=True,
        ),
        _action(
            search_memory.ACTION_ID,
            "search memory",
            "Answer a question from what the swarm has read, been told or produced.",
            search_memory.perform,
        ),
        _action(
            save_memory.ACTION_ID,
            "save memory",
            "Remember a fact that the request states, for later nodes. Makes no file.",
            save_memory.perform,
        ),
    )
}

#: What a manager does when its children have ended. Not in the action space: no directive is routed to it.
REVIEW = _action(
    review_reports.ACTION_ID, "review reports", "Review the reports of a manager's children.", review_reports.perform
)


def action_of(action_id: str) -> Action:
    """A built-in action; raises `NotFound`."""
    if action_id not in ACTIONS:
        raise NotFound(f"there is no action {action_id!r}")
    return ACTIONS[action_id]
