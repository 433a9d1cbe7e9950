"""Launches that count tasks: wrappers, comments, and that what is printed reads back."""

import pytest

from xpiler_jupyter.errors import UnsupportedError, XpilerError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.build import binary
from xpiler_jupyter.ir.nodes import Const, For, Var
from xpiler_jupyter.ir.types import I32
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.platforms.expr_text import ExprText
from xpiler_jupyter.platforms.registry import get

KERNEL = "__mlu_global__ void k(float* a, float* b, int n) { for (int i = 0; i < n; i++) { b[i] = a[i]; } }\n"
WRAPPER = """extern "C" void run(float* x, float* y, int m) {
  float* d; float* e;
  CNRT_CHECK(cnrtMalloc((void**)&d, m * sizeof(float)));
  CNRT_CHECK(cnrtMalloc((void**)&e, m * sizeof(float)));
  CNRT_CHECK(cnrtMemcpy(d, x, m * sizeof(float), CNRT_MEM_TRANS_DIR_HOST2DEV));
  cnrtQueue_t queue;
  cnrtQueueCreate(&queue);
  cnrtFunctionType_t type = CNRT_FUNC_TYPE_UNION2;
  cnrtDim3_t dim = {16, 3, 1};
  k<<<dim, type, queue>>>(d, e, m);
  cnrtQueueSync(queue);
  cnrtMemcpy(y, e, m * sizeof(float), cnrtMemcpyDevToHost);
  cnrtFree(d); cnrtFree(e); cnrtQueueDestroy(queue);
}
"""


def extents(kernel):
    return {n.axis: n.hi for n in walk(kernel.body) if isinstance(n, For) and n.axis}


SIX = {"job": Const(2, I32), "taskIdY": Const(3, I32), "coreId": Const(4, I32), "clusterId": Const(2, I32)}


def test_a_wrapper_with_old_and_new_words_gives_jobs_and_their_shape():
    k = parse(KERNEL + WRAPPER, "bang")
    assert extents(k) == SIX
    assert k.host.name == "run" and [(a.source, a.copy_in, a.copy_out) for a in k.host.args] == [
        ("x", True, False), ("y", False, True), (None, False, False)]


def test_the_printed_wrapper_reads_back():
    k = parse(KERNEL + WRAPPER, "bang")
    text = get("bang").emit(k)
    assert "cnrtDim3_t dim = {16, 3, 1};" in text and "k<<<dim, cnrtFuncTypeUnion2, queue>>>" in text
    again = parse(text, "bang")
    assert get("bang").emit(again) == text
    assert (extents(again), again.host.args) == (SIX, k.host.args)


def test_a_comment_says_it_without_a_wrapper():
    k = parse("// launch: dim(16, 3) Union2\n" + KERNEL, "bang")
    assert extents(k) == SIX and k.host is None
    assert "// launch: dim(16, 3, 1) Union2\n" in get("bang").emit(k)
    assert extents(parse("// launch: dim(n * 4) Union1\n" + KERNEL, "bang"))["job"].name == "n"


@pytest.mark.parametrize(("said", "words"), [
    ("dim(6) Union1", "no multiple of the 4 tasks of a Union1"),
    ("dim(6) Union3", "Union3 is no type of job"),
    ("(6)", "it needs dim(...) and a type of job"),
])
def test_a_comment_that_says_no_launch(said, words):
    with pytest.raises(XpilerError, match="this launch comment cannot be read") as e:
        parse(f"// launch: {said}\n" + KERNEL, "bang")
    assert words in e.value.message and "Write // launch: dim(x, y, z) Block | Union1" in (e.value.hint or "")


def test_tasks_that_make_no_whole_jobs_are_refused_with_the_line():
    with pytest.raises(UnsupportedError, match="dim is not a multiple of the 8 tasks of a Union2") as e:
        parse(KERNEL + WRAPPER.replace("{16, 3, 1}", "{12, 3, 1}"), "bang")
    assert e.value.line == 11


def test_axes_print_signed_where_it_matters_and_a_job_by_what_it_is():
    core = ExprText(get("bang"))
    assert core.expr(binary("+", Var("coreId", I32), Const(3, I32))) == "coreId + 3"
    assert core.expr(binary("-", Var("coreId", I32), Const(3, I32))) == "(int)coreId - 3"
    job = ExprText(get("bang"))
    assert job.expr(binary("%", Var("job", I32), Const(3, I32))) == "taskIdX / (clusterDim * coreDim) % 3"
    assert job.expr(binary("-", Var("job", I32), Const(3, I32))) == "(int)(taskIdX / (clusterDim * coreDim)) - 3"
