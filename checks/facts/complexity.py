"""Cyclomatic complexity as radon counts it, on the tree that was parsed already.

Our walk counts decision points for nothing; radon, which is a hundred times slower, is asked
where the cheap count comes near a limit. A test holds that both agree.
"""

from __future__ import annotations

import ast

NEAR = 8
"""Cheap count from which radon is asked: below it no shipped limit can be reached."""


def exact_complexity(node: ast.FunctionDef | ast.AsyncFunctionDef, cheap: int) -> int:
    """Complexity of one function, closures left out.

    Args:
        node: The function.
        cheap: The count of our own walk.

    Returns:
        radon's count where it matters and radon can walk the tree, else the cheap count.
    """
    if cheap < NEAR:
        return cheap
    from radon.visitors import ComplexityVisitor

    visitor = ComplexityVisitor()
    try:
        visitor.visit_FunctionDef(node)
    except RecursionError:
        return cheap
    return int(visitor.functions[-1].complexity)
