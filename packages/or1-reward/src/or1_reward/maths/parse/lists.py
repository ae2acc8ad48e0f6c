"""Lists, chains of relations and set operations: the loosest operators."""

from __future__ import annotations

from or1_reward.maths.parse import grammar
from or1_reward.maths.parse.cursor import Cursor
from or1_reward.maths.parse.nodes import Node
from or1_reward.maths.parse.tokens import ParseError


def repeating_names(elements: list[Node]) -> int:
    """After how many elements the names of `p=5, q=2, p=7, q=2` begin again; 0 where they do not, or at once."""
    if len(elements) < 4 or any(part.op != "chain" or part.value != "=" for part in elements):
        return 0
    names = [part.args[0] for part in elements]
    period = next((at for at in range(1, len(names)) if names[at] == names[0]), 0)
    if period < 2 or len(names) % period or any(name.op != "sym" for name in names):
        return 0
    return period if names == names[:period] * (len(names) // period) and len(set(names[:period])) == period else 0


def grouped(elements: list[Node], joints: list[str]) -> Node:
    """Elements with commas and semicolons between them as a list of tuples."""
    groups = [[elements[0]]]
    for element, joint in zip(elements[1:], joints, strict=True):
        if joint == ";":
            groups.append([])
        groups[-1].append(element)
    return Node("list", tuple(group[0] if len(group) == 1 else Node("tuple", tuple(group)) for group in groups), "rows")


def as_set(node: Node) -> Node:
    """What braces without backslashes hold, where a set is asked for."""
    return Node("set", node.args) if node.op == "list" else node


def listing(p: Cursor) -> Node:
    """Elements separated by commas, semicolons, and/or; one element is itself.

    Semicolons beside commas separate groups: `1, 2; 3, 4` is a list of two pairs.
    """
    p.enter()
    elements, joints = [chain(p)], list[str]()
    while separator := joint(p):
        if p.peek().text in ("&", "\\\\"):
            break  # `x, & x > 0`: the comma ends a cell of a table
        joints.append(separator)
        if p.peek().kind == "end" or p.peek().text in (")", "]", "}", "\\}"):
            raise ParseError("a list ends in a separator")
        elements.append(chain(p))
    p.leave()
    if {",", ";"} <= set(joints):
        return grouped(elements, joints)
    if period := repeating_names(elements):
        return grouped(elements, [";" if at % period == 0 else "," for at in range(1, len(elements))])
    return elements[0] if not joints else Node("list", tuple(elements), "or" if set(joints) == {"or"} else None)


def joint(p: Cursor) -> str:
    """Consume what separates two elements of a list: `,`, `;`, and, or, and runs of them (`, and`)."""
    seen = ""
    while True:
        token = p.peek()
        if token.kind == "op" and token.text in (",", ";"):
            seen = token.text if seen in ("", ",") else seen
        elif (token.kind == "name" and token.text in ("and", "or")) or token.text in (
            "\\land",
            "\\lor",
            "\\wedge",
            "\\vee",
        ):
            seen = "or" if token.text in ("or", "\\lor", "\\vee") else "and"
        else:
            return seen
        p.advance()


def chain(p: Cursor) -> Node:
    r"""Members joined by relations: `a = b`, `0 < x \le 5`, `x \in S`, `2:3`."""
    members, relations = [union(p)], list[str]()
    while sign := relation(p):
        members.append(union(p))
        relations.append(sign)
    if not relations:
        return members[0]
    if set(relations) == {":"}:
        return Node("ratio", tuple(members))
    return chain_of(p, members, relations)


def chain_of(p: Cursor, members: list[Node], relations: list[str]) -> Node:
    """A chain, ratios inside of it bound first (`a:b = 2:3`)."""
    joined, kept = [members[0]], list[str]()
    for relation, member in zip(relations, members[1:], strict=True):
        if relation == ":":
            last = joined.pop()
            joined.append(Node("ratio", (*(last.args if last.op == "ratio" else (last,)), member)))
        else:
            kept.append(relation)
            joined.append(member)
    return Node("chain", tuple(joined), " ".join(kept))


def relation(p: Cursor) -> str:
    """Consume a relation sign; `|` and `to` only inside where they mean one."""
    token = p.peek()
    name = token.text.lstrip("\\") if token.kind == "macro" else token.text if token.kind == "op" else ""
    found = ":" if name == ":" else grammar.RELATIONS.get(name, "")
    if token.kind == "macro" and name == "not" and p.peek(1).text == "=":
        p.advance()
        found = "!="
    if not found or found == "|" or (found == "to" and p.stop_at_arrow):
        return ""
    p.advance()
    if found in ("<", ">") and p.peek().text == "=":
        p.advance()
        return found + "="
    return found


def union(p: Cursor) -> Node:
    """Set operations, left to right."""
    node = p.rules.addition(p)
    while operator := grammar.SET_OPERATORS.get(p.peek().text.lstrip("\\")):
        p.advance()
        node = Node(operator, (as_set(node), as_set(p.rules.addition(p))))
    return node
