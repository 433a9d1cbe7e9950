"""`switch`: branches over a value that is read once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Block, Const, Expr, If, Load
from ..ir.simplify import negate
from ..ir.types import BOOL
from .context import LoopContext
from .loops import Loops
from .math_functions import is_trivial
from .tree import field, preorder

_LEAVES = ("break_statement", "return_statement", "continue_statement")


@dataclass(slots=True)
class _Arm:
    """The statements behind some labels (None: default). `falls`: they go on into the next arm."""

    labels: list[Node | None]
    body: list[Node]
    node: Node
    falls: bool = False


class Switches(Loops):
    """Lowers switch: arms that fall through to each other form one branch, in which each but the last is guarded."""

    def _stmt_switch_statement(self, node: Node) -> None:
        def each(statements: list[Node]) -> None:
            for s in statements:
                self.statement(s)

        self.switch(node, each)

    def switch(self, node: Node, lower: Callable[[list[Node]], None], otherwise: Callable[[], None] | None = None) -> None:
        """Emits the switch; `lower` emits the statements of one arm, without the break at their end; `otherwise` those for
        a value that no arm takes."""
        subject_node = self.child(self.child(node, "condition"), "value")
        subject = self.expr(subject_node)
        if not is_trivial(subject) or isinstance(subject, Load):
            subject = self.let("switch_value", subject, subject_node).expr
        groups: list[list[_Arm]] = []
        together = False
        for arm in self._arms(node):
            if together:
                groups[-1].append(arm)
            else:
                groups.append([arm])
            together = arm.falls
        groups.sort(key=lambda g: any(None in a.labels for a in g))  # default is what no other label takes
        self._chain(subject, groups, lower, otherwise)

    def _arms(self, node: Node) -> list[_Arm]:
        arms: list[_Arm] = []
        labels: list[Node | None] = []
        for case in self.child(node, "body").named_children:
            if case.type == "attributed_statement" and self.text(case).replace(" ", "").startswith("[[fallthrough]]"):
                continue
            if case.type != "case_statement":
                raise self.unsupported(case, "a statement before the first case is not supported")
            label = field(case, "value")
            labels.append(label)
            body = [s for c in case.named_children if label is None or c.id != label.id
                    for s in (c.named_children if c.type == "compound_statement" else [c])]
            body = [s for s in body if s.type != "comment" and not self._says_fallthrough(s)]
            if body:
                last = _last(body)
                arms.append(_Arm(labels, body[:-1] if body[-1].type == "break_statement" else body, case,
                                 last.type not in _LEAVES))
                labels = []
        if arms:
            arms[-1].falls = False
        return arms

    def _says_fallthrough(self, s: Node) -> bool:
        text = "".join(self.text(s).split())
        return text.startswith(("[[fallthrough]]", "__attribute__((fallthrough))")) or text == ";"

    def _chain(self, subject: Expr, groups: list[list[_Arm]], lower: Callable[[list[Node]], None],
               otherwise: Callable[[], None] | None) -> None:
        """`if (value is one of the first group's) ... else` the rest."""
        if not groups:
            if otherwise is not None:
                otherwise()
            return
        arms = groups[0]
        labels = [v for a in arms for v in a.labels]
        cond = None if None in labels else self._is_one_of(subject, labels)
        with self.block() as stmts:
            self.loops.append(LoopContext(is_switch=True))
            for k, arm in enumerate(arms):
                entered = self._entered(subject, arms, k) if k < len(arms) - 1 else None
                if entered is None:
                    lower(arm.body)
                    continue
                self._keeps(arm)
                with self.block() as inner:
                    lower(arm.body)
                self.emit(If(entered, Block(tuple(inner))), arm.node)
            self.loops.pop()
        if cond is None:
            self.out.extend(stmts)
            return
        with self.block() as rest:
            self._chain(subject, groups[1:], lower, otherwise)
        self.emit(If(cond, Block(tuple(stmts)), Block(tuple(rest)) if rest else None), arms[0].node)

    def _entered(self, subject: Expr, arms: list[_Arm], k: int) -> Expr:
        """Which values come to arm k of a group, among those that come to the group."""
        before = [v for a in arms[:k + 1] for v in a.labels]
        if None in before:
            later = self._is_one_of(subject, [v for a in arms[k + 1:] for v in a.labels])
            return negate(later) if later is not None else Const(True, BOOL)
        got = self._is_one_of(subject, before)
        assert got is not None
        return got

    def _is_one_of(self, subject: Expr, labels: list[Node | None]) -> Expr | None:
        cond: Expr | None = None
        for v in labels:
            if v is not None:
                test = build.binary("==", subject, self.expr(v))
                cond = test if cond is None else build.binary("||", cond, test)
        return cond

    def _keeps(self, arm: _Arm) -> None:
        """An arm that falls through must not leave or declare what the next ones see."""
        for s in arm.body:
            if s.type == "declaration" or any(n.type == "return_statement" for n in preorder(s)):
                raise self.unsupported(s, "a case that declares a variable or may return, and falls through to the next, is "
                                       "not supported", "End it with break.")


def _last(body: list[Node]) -> Node:
    last = body[-1]
    while last.type == "compound_statement" and last.named_children:
        last = last.named_children[-1]
    return last
