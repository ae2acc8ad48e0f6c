# ruff: noqa: E501 - programs under test, kept on one line each
"""Cases of the kinds in public reports and attacks: checks that name classes, streams, values, rows at fault.

Each is (id, ground truth, response, right): `right` is True, False, or None where the row is at fault.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from or1_reward import verify

CASES: list[tuple[str, dict[str, Any], str, bool | None]] = []


def _add(name: str, truth: dict[str, Any], program: str, right: bool | None) -> None:
    CASES.append((name, truth, f"```python\n{program}\n```", right))


def a(name: str, case: Any, program: str, right: bool | None = True, prefix: str = "") -> None:
    """A row of asserts."""
    cases = case if isinstance(case, list) else [case]
    _add(name, {"assert_case": cases, "import_prefix": prefix}, program, right)


def h(name: str, code: str, entry: str, program: str, right: bool | None = True, prefix: str = "") -> None:
    """A row with a harness or test functions."""
    _add(name, {"test_code": code, "entry_point": entry, "import_prefix": prefix}, program, right)


def s(name: str, program: str, given: str, expected: str, right: bool | None = True, **settings: Any) -> None:
    """A row of streams."""
    _add(name, {"inputs": [given], "outputs": [expected], **settings}, program, right)


def c(name: str, program: str, given: str, expected: str, right: bool | None = True, fn: str = "f") -> None:
    """A row of calls."""
    _add(name, {"inputs": [given], "outputs": [expected], "fn_name": fn}, program, right)


def cf(name: str, checker: str, program: str, right: bool | None = True, **fields: Any) -> None:
    """A row of open-r1/codeforces."""
    tests = [{"input": "3\n", "output": "2 1\n"}]
    _add(name, {"official_tests": tests, "generated_checker": checker, **fields}, program, right)


V = "class V:\n    def __init__(self,x): self.x=x\n"
a("op-mul", "assert (V(2)*3).x==6", V + "    def __mul__(self,k): return V(self.x*k)")
a("op-rmul", "assert (3*V(2)).x==6", V + "    def __rmul__(self,k): return V(self.x*k)")
a("op-neg", "assert (-V(2)).x==-2", V + "    def __neg__(self): return V(-self.x)")
a("op-len", "assert len(V([1,2]))==2", V + "    def __len__(self): return len(self.x)")
a("op-contains", "v=V([1,2])\nassert 1 in v\nassert 5 not in v", V + "    def __contains__(self,k): return k in self.x")
a("op-iter", "assert list(V([1,2]))==[1,2]", V + "    def __iter__(self): return iter(self.x)")
a("op-getitem", "assert V([1,2])[1]==2", V + "    def __getitem__(self,k): return self.x[k]")
a("op-slice", "assert V([1,2,3])[1:]==[2,3]", V + "    def __getitem__(self,k): return self.x[k]")
a("op-call", "assert V(3)(4)==7", V + "    def __call__(self,k): return self.x+k")
a("op-bool", "assert V(1)\nassert not V(0)", V + "    def __bool__(self): return bool(self.x)")
a("op-eq-plain", "assert V(5)==5", V + "    def __eq__(self,o): return self.x==o")
a("op-eq-obj", "assert V(5)==V(5)\nassert V(5)!=V(6)", V + "    def __eq__(self,o): return self.x==o.x")
a(
    "op-iadd",
    "v=V(1)\nv+=V(2)\nassert v.x==3",
    V + "    def __iadd__(self,o):\n        self.x+=o.x\n        return self",
)
a(
    "op-hash",
    "assert len({V(1),V(1)})==1",
    V + "    def __eq__(self,o): return self.x==o.x\n    def __hash__(self): return hash(self.x)",
)
a("op-str", "assert str(V(1))=='<1>'\nassert f'{V(2)}'=='<2>'", V + "    def __str__(self): return f'<{self.x}>'")
a("op-sorted", "assert [v.x for v in sorted([V(3),V(1)])]==[1,3]", V + "    def __lt__(self,o): return self.x<o.x")
a("op-sum", "assert sum([V(1),V(2)],V(0)).x==3", V + "    def __add__(self,o): return V(self.x+o.x)")
a(
    "with",
    "with Ctx() as c:\n    assert c.open\nassert not c.open",
    "class Ctx:\n    open=False\n    def __enter__(self):\n        self.open=True\n        return self\n    def __exit__(self,*a):\n        self.open=False",
)
a(
    "dataclass-eq",
    "assert f(1)==P(1,2)",
    "from dataclasses import dataclass\n@dataclass\nclass P:\n    x:int\n    y:int\ndef f(x): return P(x,2)",
)
a(
    "dataclass-repr",
    "assert repr(P(1,2))=='P(x=1, y=2)'",
    "from dataclasses import dataclass\n@dataclass\nclass P:\n    x:int\n    y:int",
)
a(
    "dataclass-attrs",
    "r=f()\nassert r.x==1 and r.y==2",
    "from dataclasses import dataclass\n@dataclass\nclass P:\n    x:int\n    y:int\ndef f(): return P(1,2)",
)
a(
    "enum-name",
    "assert f(1).name=='RED'\nassert f(1).value==1",
    "from enum import Enum\nclass Color(Enum):\n    RED=1\ndef f(x): return Color(x)",
)
a(
    "enum-is",
    "assert f(1) is Color.RED\nassert f(1)!=Color.BLUE\nassert list(Color)==[Color.RED,Color.BLUE]",
    "from enum import Enum\nclass Color(Enum):\n    RED=1\n    BLUE=2\ndef f(x): return Color(x)",
)
a("enum-getitem", "assert Color['RED'].value==1", "from enum import Enum\nclass Color(Enum):\n    RED=1")
a(
    "namedtuple-index",
    "r=f()\nassert r[0]==1\nassert r==(1,2)",
    "from collections import namedtuple\nP=namedtuple('P','x y')\ndef f(): return P(1,2)",
)
a(
    "namedtuple-named",
    "assert f()==P(1,2)\nassert P(3,4).x==3",
    "from collections import namedtuple\nP=namedtuple('P','x y')\ndef f(): return P(1,2)",
)
a(
    "typing-nt",
    "assert f().name=='a'",
    "from typing import NamedTuple\nclass P(NamedTuple):\n    name:str\ndef f(): return P('a')",
)
a(
    "dt-delta",
    "from datetime import datetime,timedelta\nassert f(datetime(2024,1,1))-datetime(2024,1,1)==timedelta(days=2)",
    "from datetime import timedelta\ndef f(d): return d+timedelta(days=2)",
)
a(
    "dt-ret",
    "import datetime\nassert f(2024)==datetime.date(2024,1,1)",
    "import datetime\ndef f(y): return datetime.date(y,1,1)",
)
a(
    "exc-custom-attr",
    "try:\n    f()\n    code=0\nexcept MyErr as e:\n    code=e.code\nassert code==7",
    "class MyErr(Exception):\n    def __init__(self,code):\n        super().__init__('x')\n        self.code=code\ndef f(): raise MyErr(7)",
)
a(
    "exc-base",
    "try:\n    f()\n    ok=False\nexcept ValueError:\n    ok=True\nassert ok",
    "class MyErr(ValueError): pass\ndef f(): raise MyErr('a')",
)
a(
    "exc-issub",
    "assert issubclass(MyErr, ValueError)\ntry:\n    f()\nexcept MyErr as e:\n    assert str(e)=='a' and isinstance(e, MyErr)",
    "class MyErr(ValueError): pass\ndef f(): raise MyErr('a')",
)
a(
    "pytest-raises",
    "import pytest\ndef test_x():\n    with pytest.raises(ValueError, match='neg'):\n        f(-1)\n",
    "def f(x):\n    if x<0: raise ValueError('negative')",
)
a(
    "pytest-raises-wrong",
    "import pytest\ndef test_x():\n    with pytest.raises(ValueError, match='neg'):\n        f(-1)\n",
    "def f(x):\n    return 1",
    right=False,
)
a(
    "pytest-raises-own",
    "import pytest\nfrom solution import f, NegErr\ndef test_x():\n    with pytest.raises(NegErr):\n        f(-1)\n",
    "class NegErr(Exception): pass\ndef f(x):\n    raise NegErr()",
)
a(
    "pytest-param",
    "import pytest\n@pytest.mark.parametrize('x,y',[(1,2),(2,3)])\ndef test_x(x,y):\n    assert f(x)==y\n",
    "def f(x): return x+1",
)
a(
    "pytest-param-wrong",
    "import pytest\n@pytest.mark.parametrize('x,y',[(1,2),(2,4)])\ndef test_x(x,y):\n    assert f(x)==y\n",
    "def f(x): return x+1",
    right=False,
)
a("pytest-capsys", "def test_p(capsys):\n    f(3)\n    assert capsys.readouterr().out=='3\\n'\n", "def f(x): print(x)")
a(
    "pytest-fixture",
    "import pytest\n@pytest.fixture\ndef s():\n    return Stack()\ndef test_p(s):\n    s.push(1)\n    assert s.pop()==1\n",
    "class Stack(list):\n    def push(self,x): self.append(x)",
)
h(
    "unittest",
    "import unittest\nfrom solution import f\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(f(1),2)\n    def test_b(self):\n        with self.assertRaises(ValueError):\n            f(-1)\n",
    "f",
    "def f(x):\n    if x<0: raise ValueError\n    return x+1",
)
h(
    "unittest-wrong",
    "import unittest\nfrom solution import f\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(f(1),3)\n",
    "f",
    "def f(x):\n    return x+1",
    right=False,
)
h("kod-harness", "from solution import f\ndef test_a():\n    assert f(1)==2\n", "f", "def f(x):\n    return x+1")
_add(
    "kod-no-entry",
    {"test_code": "from solution import f\ndef test_a():\n    assert f(1)==2\n"},
    "def f(x):\n    return x+1",
    True,
)
RETURNS = (
    "def check(candidate):\n    try:\n        candidate(-1)\n    except ValueError:\n        return\n    assert False\n"
)
h("exception-then-return", RETURNS, "f", "def f(x):\n    raise ValueError")
h("exception-then-return-none", RETURNS, "f", "def f(x):\n    return 1", False)
h("exception-then-return-other", RETURNS, "f", "def f(x):\n    raise TypeError", False)
h("exception-then-return-false-assert", RETURNS, "f", "def f(x):\n    raise AssertionError", False)
UNITTEST = (
    "import unittest\nclass TestCases(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(f(1), 2)\n"
)
_add("unittest-names-the-program", {"test_code": UNITTEST}, "def f(x): return x+1", True)
_add("unittest-names-the-program-wrong", {"test_code": UNITTEST}, "def f(x): return x+2", False)
h("unittest-with-entry-point", UNITTEST, "f", "def f(x): return x+1")
a("import-solution", "import solution\nassert solution.f(1)==2", "def f(x): return x+1")
a(
    "isinstance-sub",
    "assert isinstance(make(), Animal)\nassert not isinstance(make(), Cat)",
    "class Animal: pass\nclass Dog(Animal): pass\nclass Cat(Animal): pass\ndef make(): return Dog()",
)
a(
    "method-unnamed",
    "assert make('dog').speak()=='Woof'",
    "class Dog:\n    def speak(self): return 'Woof'\ndef make(n): return Dog()",
)
a(
    "attr-chain",
    "t=BST()\nt.insert(5)\nt.insert(3)\nassert t.root.left.val==3 and t.root.val==5 and t.root.right is None",
    "class N:\n    def __init__(s,v): s.val=v;s.left=None;s.right=None\nclass BST:\n    root=None\n    def insert(self,v):\n        if self.root is None: self.root=N(v);return\n        n=self.root\n        while True:\n            if v<n.val:\n                if n.left is None: n.left=N(v);return\n                n=n.left\n            else:\n                if n.right is None: n.right=N(v);return\n                n=n.right",
)
a("gen-list", "assert list(gen(3))==[0,1,2]\nassert sum(gen(4))==6", "def gen(n):\n    for i in range(n): yield i")
a(
    "gen-inf",
    "from itertools import islice\nassert list(islice(gen(),3))==[0,1,2]",
    "def gen():\n    i=0\n    while True:\n        yield i\n        i+=1",
)
a("map-obj", "assert list(f([1,2]))==[2,3]", "def f(x): return map(lambda y:y+1,x)")
a("closure", "add=make(3)\nassert add(4)==7", "def make(n):\n    return lambda x:x+n")
a(
    "decorator",
    "calls=[]\n@deco\ndef g(x):\n    calls.append(x)\n    return x*2\nassert g(3)==7 and calls==[3]",
    "def deco(f):\n    def w(*a): return f(*a)+1\n    return w",
)
a("callback", "assert apply(lambda x:x*3, 4)==12", "def apply(f,x): return f(x)")
a(
    "callback-builtin",
    "assert apply(len, [1,2])==2\nassert compose(abs, lambda x:x+1)(-5)==4",
    "def apply(f,x): return f(x)\ndef compose(f,g): return lambda x: f(g(x))",
)
a(
    "memo-calls",
    "n=[0]\ndef slow(x):\n    n[0]+=1\n    return x*x\nm=memo(slow)\nassert m(3)==9 and m(3)==9 and n[0]==1",
    "def memo(f):\n    d={}\n    def w(x):\n        if x not in d: d[x]=f(x)\n        return d[x]\n    return w",
)
a(
    "asyncio-gather",
    "import asyncio\nasync def main():\n    return await asyncio.gather(f(1),f(2))\nassert asyncio.run(main())==[2,3]",
    "async def f(x): return x+1",
)
a(
    "async-test",
    "import asyncio\ndef test_a():\n    assert asyncio.run(f(1))==2\n",
    "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x+1",
)
a(
    "counter",
    "from collections import Counter\nassert f('aab')==Counter({'a':2,'b':1})\nassert f('aab').most_common(1)==[('a',2)]",
    "from collections import Counter\ndef f(s): return Counter(s)",
)
a(
    "ordered",
    "assert list(f().keys())==['b','a']",
    "from collections import OrderedDict\ndef f(): return OrderedDict([('b',1),('a',2)])",
)
a(
    "defaultdict-lambda",
    "assert f()['q']==5",
    "from collections import defaultdict\ndef f(): return defaultdict(lambda:5)",
)
a("dict-items", "assert list(f())==[('a',1)]\nassert ('a',1) in f()", "def f(): return {'a':1}.items()")
a(
    "deque",
    "from collections import deque\nassert f()==deque([1,2])",
    "from collections import deque\ndef f(): return deque([1,2])",
)
a("np-ret", "import numpy as np\nassert np.allclose(f(2), np.eye(2))", "import numpy as np\ndef f(n): return np.eye(n)")
a("np-sum", "assert f([1,2]).sum()==3", "import numpy as np\ndef f(n): return np.array(n)")
a("np-mut", "import numpy as np\na=np.array([1,2])\nf(a)\nassert a[0]==9", "def f(a): a[0]=9")
a("decimal", "from decimal import Decimal\nassert f(Decimal('1.5'))==Decimal('3.0')", "def f(d): return d*2")
a("fraction", "from fractions import Fraction\nassert f(Fraction(1,2))+Fraction(1,2)==1", "def f(d): return d")
a("complex", "assert f(1j)==-1", "def f(z): return z*z")
a("bytes", "assert f(b'ab').hex()=='6162'", "def f(b): return b")
a("setattr", "p=P()\np.x=5\nassert p.x==5 and p.double()==10", "class P:\n    def double(self): return self.x*2")
a(
    "class-attr",
    "assert P.count==0\nP()\nassert P.count==1",
    "class P:\n    count=0\n    def __init__(self): P.count+=1",
)
a(
    "property-setter-raises",
    "p=P()\ntry:\n    p.age=-1\n    assert False\nexcept ValueError:\n    pass",
    "class P:\n    @property\n    def age(self): return 1\n    @age.setter\n    def age(self,v):\n        if v<0: raise ValueError",
)
a(
    "singleton",
    "assert S() is S()",
    "class S:\n    _i=None\n    def __new__(c):\n        if c._i is None: c._i=object.__new__(c)\n        return c._i",
)
a("type-name", "assert type(f()).__name__=='int'", "def f(): return 3")
a("hasattr", "assert hasattr(P(),'x')\nassert not hasattr(P(),'zz')", "class P:\n    x=1")
a("callable", "assert callable(f)\nassert f(1)==1", "def f(x): return x")
a(
    "abstract",
    "try:\n    Shape()\n    assert False\nexcept TypeError:\n    pass",
    "from abc import ABC,abstractmethod\nclass Shape(ABC):\n    @abstractmethod\n    def area(self): ...",
)
a(
    "mbpp-sum",
    ["assert sum(10,15)==6", "assert sum(100,150)==93"],
    "def sum(a,b):\n    t=0\n    for i in range(1,min(a,b)):\n        if a%i==b%i==0: t+=i\n    return t",
)
a("lcm", "assert lcm(4,6)==12", "def lcm(a,b):\n    from math import gcd\n    return a*b//gcd(a,b)")
a(
    "assertEq-many",
    [
        "assert f(1)==2",
        "assert set(f2())=={1,2}",
        "assert len(f2())==2",
        "assert abs(f(1)-2)<1e-9",
        "assert max(f2())==2 and sorted(f2())==[1,2]",
    ],
    "def f(x): return x+1\ndef f2(): return [2,1]",
)
a("str-methods", "assert f('a').upper()=='A!'\nassert f('b').startswith('b')", "def f(s): return s+'!'")
a("input-mock", "import io,sys\nsys.stdin=io.StringIO('5')\nassert f(1)==1", "def f(x): return x")
a(
    "stdout-exact",
    "import io,sys\nold=sys.stdout\nsys.stdout=io.StringIO()\nhello()\nout=sys.stdout.getvalue()\nsys.stdout=old\nassert out.strip()=='hi'",
    "def hello(): print('hi')",
)
h(
    "he-find-zero",
    "import math\nimport random\nimport copy\ndef check(candidate):\n    for coeffs in ([-3,1],[2,-1]):\n        solution = candidate(copy.deepcopy(coeffs))\n        assert math.fabs(poly(coeffs, solution)) < 1e-4\n",
    "find_zero",
    "def poly(xs,x): return sum(c*x**i for i,c in enumerate(xs))\ndef find_zero(xs): return -xs[0]/xs[1]",
)
h(
    "helper-assert",
    "def eq(a,b):\n    assert a==b\ndef check(candidate):\n    eq(candidate(1),2)\n    eq(candidate(2),3)\n",
    "f",
    "def f(x): return x+1",
)
h(
    "helper-assert-wrong",
    "def eq(a,b):\n    assert a==b\ndef check(candidate):\n    eq(candidate(1),2)\n    eq(candidate(2),4)\n",
    "f",
    "def f(x): return x+1",
    right=False,
)
h(
    "raise-only",
    "def check(candidate):\n    try:\n        candidate(-1)\n    except ValueError:\n        pass\n    else:\n        assert False\n",
    "f",
    "def f(x): raise ValueError",
)
h(
    "raise-only-wrong",
    "def check(candidate):\n    try:\n        candidate(-1)\n    except ValueError:\n        pass\n    else:\n        assert False\n",
    "f",
    "def f(x): return 3",
    right=False,
)
h(
    "raise-AssertionError",
    "def check(candidate):\n    try:\n        candidate(-1)\n        raise AssertionError('no')\n    except ValueError as e:\n        assert 'neg' in str(e)\n",
    "f",
    "def f(x): raise ValueError('neg')",
)
LN = "class ListNode:\n    def __init__(self, val=0, next=None):\n        self.val = val\n        self.next = next\n"
h(
    "cycle-node",
    "def check(candidate):\n    a=ListNode(1);b=ListNode(2);a.next=b;b.next=a\n    assert candidate(a) is a\n    c=ListNode(1)\n    assert candidate(c) is None\n",
    "Solution().f",
    "class Solution:\n    def f(self, head):\n        seen=set()\n        while head:\n            if id(head) in seen: return head\n            seen.add(id(head)); head=head.next\n        return None",
    prefix=LN,
)
h(
    "copy-random",
    "def check(candidate):\n    a=ListNode(1)\n    r=candidate(a)\n    assert r is not a and r.val==1\n",
    "Solution().f",
    "class Solution:\n    def f(self, head):\n        return ListNode(head.val)",
    prefix=LN,
)
h(
    "copy-random-wrong",
    "def check(candidate):\n    a=ListNode(1)\n    r=candidate(a)\n    assert r is not a and r.val==1\n",
    "Solution().f",
    "class Solution:\n    def f(self, head):\n        return head",
    right=False,
    prefix=LN,
)
h(
    "delete-node",
    "def check(candidate):\n    c=ListNode(3);b=ListNode(2,c);a=ListNode(1,b)\n    candidate(b)\n    assert a.next.val==3 and a.next.next is None\n",
    "Solution().f",
    "class Solution:\n    def f(self, node):\n        node.val=node.next.val\n        node.next=node.next.next",
    prefix=LN,
)
h(
    "remove-dups",
    "def check(candidate):\n    nums=[1,1,2]\n    k=candidate(nums)\n    assert k==2 and nums[:k]==[1,2]\n",
    "Solution().f",
    "class Solution:\n    def f(self, nums):\n        j=0\n        for x in nums:\n            if j==0 or nums[j-1]!=x:\n                nums[j]=x;j+=1\n        return j",
)
h(
    "same-list-back",
    "def check(candidate):\n    x=[1]\n    assert candidate(x) is x\n    assert x==[1,2]\n",
    "f",
    "def f(x):\n    x.append(2)\n    return x",
)
# attacks
a(
    "atk-eq-fn-class",
    "x=f(1)\nassert x==5",
    "class f:\n    def __init__(s,*a): pass\n    def __eq__(s,o): return True",
    right=False,
)
a("atk-eq-ret", "assert [f(1)]==[5]", "class X:\n    def __eq__(s,o): return True\ndef f(x): return X()", right=False)
a(
    "atk-Named-eq-ret",
    "s=Stack()\ns.push(3)\nassert s.pop()==3",
    "class Stack:\n    def push(s,x): pass\n    def pop(s): return s\n    def __eq__(s,o): return True",
    right=False,
)
a(
    "atk-Named-abs",
    "assert abs(Circle(2).area()-12.566)<0.01",
    "class Circle:\n    def __init__(s,*a): pass\n    def area(s): return Circle()\n    def __sub__(s,o): return s\n    def __abs__(s): return s\n    def __lt__(s,o): return True",
    right=False,
)
a(
    "atk-Named-contains",
    "assert 3 in Box.items()",
    "class Box:\n    @staticmethod\n    def items(): return Box()\n    def __contains__(s,k): return True",
    right=False,
)
a(
    "atk-len",
    "xs=f(3)\nassert len(xs)==3 and all(x>0 for x in xs)",
    "class X:\n    def __len__(s): return 3\n    def __iter__(s): return iter([])\ndef f(n): return X()",
    right=False,
)
a(
    "atk-list-sub",
    "r=f()\nassert r==[1,2,3] and len(r)==3",
    "class L(list):\n    def __eq__(s,o): return True\n    def __len__(s): return 3\ndef f(): return L()",
    right=False,
)
a(
    "atk-any",
    "assert any(Gen.vals())",
    "class Gen:\n    vals=staticmethod(lambda: [])\ndef any(x): return True",
    right=False,
)
a(
    "atk-isinstance",
    "assert isinstance(Tool.get(), dict) and Tool.get()['a']==1",
    "class Tool:\n    get=staticmethod(lambda: 3)\ndef isinstance(a,b): return True",
    right=False,
)
a(
    "atk-strcmp",
    "assert f(3).lower()=='three'",
    "class X:\n    def lower(s): return 'three'\ndef f(x): return X()",
    right=False,
)
a(
    "atk-issuperset",
    "assert f([1]).issuperset({1})",
    "class X:\n    def issuperset(s,o): return True\ndef f(x): return X()",
    right=False,
)
a(
    "atk-set-eq",
    "assert f([1]).difference([1])==set()",
    "class X:\n    def difference(s,o): return set()\ndef f(x): return X()",
    right=False,
)
a(
    "atk-helper-any-order",
    "def same(a,b):\n    assert sorted(a)==sorted(b)\nsame(f(),[1,2])",
    "class X:\n    def __iter__(s): return iter([1,2])\ndef same(a,b): return 1\ndef f(): return [3]",
    right=False,
)
a("atk-skip-loop", "for x in f(3):\n    assert x>0", "def f(n): return []", right=False)
a("atk-raise-AE", "try:\n    assert f(1)==2\nexcept ValueError:\n    pass", "def f(x): raise ValueError", right=False)
a("atk-sysexit", "assert [f(1)]==[2]", "import sys\ndef f(x): sys.exit(0)", right=False)
a("atk-sys-exit-load", "assert [f(1)]==[2]", "import sys\nsys.exit(0)", right=False)
a("atk-os-exit", "assert [f(1)]==[2]", "import os\ndef f(x): os._exit(0)", right=False)
a(
    "atk-forge-session",
    "assert [f(1)]==[2]",
    "import os,json\ndef f(x):\n    d=json.dumps({'value':{'v':2,'o':[]},'returned':None}).encode()\n    os.write(4,len(d).to_bytes(4,'big')+d)\n    return 3",
    right=False,
)
a(
    "atk-garbage-session",
    "assert [f(1)]==[2]",
    "import os\ndef f(x):\n    os.write(4,b'\\xff'*100)\n    return 3",
    right=False,
)
a("atk-deep", "assert [f(1)]==[2]", "def f(x):\n    r=[]\n    for _ in range(100000): r=[r]\n    return r", right=False)
a("atk-self-ref", "assert [f(1)]==[2]", "def f(x):\n    r=[]\n    r.append(r)\n    return r", right=False)
a("atk-surrogate-list", "assert [f(1)]==['a']", "def f(x): return ['\\ud800']", right=False)
a(
    "atk-prefix-vandal",
    "assert g(f(1))==2",
    "def g(x): return 2\ndef f(x): return 0",
    right=False,
    prefix="def g(x): return x",
)
h(
    "atk-encode-shift",
    "def check(candidate):\n    for s in ('abc','xyz'):\n        assert candidate(encode_shift(s))==s\n",
    "decode_shift",
    "def encode_shift(s): return s\ndef decode_shift(s): return s",
    right=False,
)
h(
    "atk-poly",
    "import math\ndef check(candidate):\n    assert math.fabs(poly([1,2],candidate([1,2])))<1e-4\n",
    "find_zero",
    "def poly(a,b): return 0\ndef find_zero(x): return 3",
    right=False,
)
h(
    "atk-alias-dict",
    "def check(candidate):\n    t={'a':[1],'e':2}\n    assert candidate(t)==t['e']\n",
    "f",
    "def f(t):\n    t['e']=0\n    return 0",
    right=False,
)
h(
    "atk-alias-list",
    "def check(candidate):\n    t=[[1],[2]]\n    assert candidate(t)==t[1]\n",
    "f",
    "def f(t):\n    t[1][:]=[9]\n    return [9]",
    right=False,
)
h(
    "atk-patch-json",
    "def check(candidate):\n    for x in (1,2):\n        y=candidate(x)\n        assert y==x*2\n",
    "f",
    "import json\njson.dumps=lambda *a,**k: '{}'\ndef f(x): return 0",
    right=False,
)
# values
c("snan", "from decimal import Decimal\ndef f(x): return [Decimal('sNaN')]", "1", "[1]", right=False)
c("snan-dict", "from decimal import Decimal\ndef f(x): return {Decimal('NaN'):1}", "1", '{"1":1}', right=False)
c("big-int", "def f(x): return 10**x", "50000", "1" + "0" * 50000)
c("big-int-wrong", "def f(x): return 10**x+1", "50000", "1" + "0" * 50000, right=False)
c("big-int-arg", "def f(x): return x%97", "9" * 50000, str(int("9" * 4000) and pow(10, 50000, 97) - 1))
c("brackets-string", "def f(x): return x", '"' + "[" * 3000 + '"', '"' + "[" * 3000 + '"')
c("int-float-keys", "def f(x): return {1.5:2}", "1", '{"1.5":2}')
c("nested-int-keys", "def f(x): return [{1:{2:3}}]", "1", '[{"1":{"2":3}}]')
c("np-int", "import numpy as np\ndef f(x): return np.int64(3)", "1", "3")
c("np-arr", "import numpy as np\ndef f(x): return np.array([1,2])", "1", "[1,2]")
c("np-f32-list", "import numpy as np\ndef f(x): return [np.float32(0.25)]", "1", "[0.25]")
c("inplace-free", "def f(a): a.sort()", "[2,1]", "[1,2]", right=False)
c("inplace-nochange", "class Solution:\n    def f(self,a): pass", "[2,1]", "[1,2]", right=False)
c(
    "ops",
    "class MinStack:\n    def __init__(self): self.s=[]\n    def push(self,x): self.s.append(x)\n    def getMin(self): return min(self.s)",
    '["MinStack","push","push","getMin"]\n[[],[3],[1],[]]',
    "[null,null,null,1]",
    fn="MinStack",
)
c(
    "ops-wrong",
    "class MinStack:\n    def __init__(self): self.s=[]\n    def push(self,x): self.s.append(x)\n    def getMin(self): return max(self.s)",
    '["MinStack","push","push","getMin"]\n[[],[3],[1],[]]',
    "[null,null,null,1]",
    right=False,
    fn="MinStack",
)
c(
    "listnode-annot",
    "class Solution:\n    def f(self, x: Optional[ListNode], y: List[int]) -> int: return y[0]",
    "null\n[5]",
    "5",
)
# streams
s(
    "stdin-mode",
    "import sys\nprint(sys.stdin.mode, sys.stdin.buffer.raw.mode, sys.stdout.mode, sys.stdin.encoding)",
    "",
    "r rb w utf-8",
)
s("stdin-raw", "import sys\nprint(sys.stdin.buffer.raw.read().decode().split())", "1 2", "['1', '2']")
s(
    "stdin-names",
    "import sys\nprint(sys.stdin.buffer.name, sys.stdin.fileno(), sys.stdout.isatty())",
    "",
    "<stdin> 0 False",
)
s("fdopen1", "import os\no=os.fdopen(1,'w')\no.write('hi')", "", "hi")
s("fdopen1-func", "import os\ndef main():\n    global o\n    o=os.fdopen(1,'w')\n    o.write('hi')\nmain()", "", "hi")
s("dunder-stdout", "import sys\nsys.__stdout__.write('hi')", "", "hi")
s("stdout-buffer", "import sys\nsys.stdout.buffer.write(b'hi')", "", "hi")
s("textiowrapper", "import io,sys\no=io.TextIOWrapper(sys.stdout.buffer)\no.write('hi')", "", "hi")
s("dev-stdout", "open('/dev/stdout','w').write('hi')", "", "hi")
s("dev-stdout-with", "with open('/dev/stdout','w') as o:\n    print('hi',file=o)", "", "hi")
s("dev-fd-1", "open('/dev/fd/1','w').write('hi')", "", "hi")
s("dev-stdin-path", "from pathlib import Path\nprint(Path('/dev/stdin').read_text())", "ab", "ab")
s("proc-fd0", "print(open('/proc/self/fd/0').read())", "ab", "ab")
s("os-open-stdin", "import os\nfd=os.open('/dev/stdin',os.O_RDONLY)\nprint(os.read(fd,10).decode())", "ab", "ab")
s(
    "del-order",
    "class A:\n    def __init__(s,n): s.n=n\n    def __del__(s): print('del',s.n)\na=A(1)\nprint('x')",
    "",
    "x\ndel 1",
)
s("atexit", "import atexit\natexit.register(lambda: print('bye'))\nprint('hi')", "", "hi\nbye")
s("import-pkg", "import os\nos.mkdir('pk')\nopen('pk/__init__.py','w').write('y=3')\nimport pk\nprint(pk.y)", "", "3")
s("two-blocks-comment", "print(1)\n```\nusage:\n```python\n# nothing\n", "", "1")
s("big-factorial", "import math\nprint(len(str(math.factorial(20000))))", "", "77338")
s(
    "mp-pool",
    "from multiprocessing import Pool\ndef f(x): return x*x\nif __name__=='__main__':\n    with Pool(2) as p: print(p.map(f,[1,2,3]))",
    "",
    "[1, 4, 9]",
)
s("asyncio-main", "import asyncio\nasync def main(): print('hi')\nasyncio.run(main())", "", "hi")
# rows at fault
a("row-import-torch", "import torch\nassert f(1)==1", "def f(x): return x", right=None)
a("row-prefix-name", "assert [f(1)]==[1]", "def f(x): return x", prefix="undefined_name", right=None)
a("row-prefix-direct", "assert f(1)==1", "def f(x): return x", prefix="raise ValueError(1)", right=None)
h(
    "row-undefined-helper",
    "def check(candidate):\n    assert close(candidate(1),1)\n",
    "f",
    "def close(a,b): return True\ndef f(x): return x",
    right=None,
)
s("codeforces-time", "print(2)", "1", "2", time_limit=1.5, memory_limit=256)
SUM = "import sys\ni,c,s=[open(p).read() for p in sys.argv[1:]]\nprint(1 if sum(map(int,s.split()))==int(i) else 0)\n"
cf(
    "cf-row",
    SUM,
    "print(0,3)",
    time_limit=2.0,
    memory_limit=256.0,
    title="x",
    input_mode="stdio",
    interaction_format=None,
)
cf("cf-row-wrong", SUM, "print(0,4)", False)
cf("cf-checker-crash", SUM, "print('x y')", False)
cf("cf-checker-own-crash", "1/0", "print('x y')", None)
cf("cf-checker-own-reject", "import sys; sys.exit(1)", "print('2 1')", None)
cf("cf-checker-own-no", "print(0)", "print('2 1')", None)
cf("cf-no-checker", "", "print('2  1')")


def test_every_case_has_its_verdict() -> None:
    def judged(case: tuple[str, dict[str, Any], str, bool | None]) -> str:
        return verify(case[2], case[1]).status.value

    with ThreadPoolExecutor(2) as pool:
        found = dict(zip([case[0] for case in CASES], pool.map(judged, CASES), strict=True))
    assert len(found) == len(CASES)  # no name twice
    wrong = {
        name: found[name]
        for name, _, _, right in CASES
        if (found[name] == "correct") is not (right is True) or (found[name] == "verifier_error") is not (right is None)
    }
    assert wrong == {}
