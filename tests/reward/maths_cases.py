"""Pairs of answers, written for these tests: (response's answer, gold, equal)."""

EQUAL = r"""
42 | 42
+7 | 7
42. | 42
007 | 7
1,234,567 | 1234567
1\,234 | 1234
12\,345\,678 | 12345678
15,\!000 | 15000
1{,}000 | 1000
1 000 000 | 1000000
\$1,000.00 | 1000
\$18.90 | 18.9
£25 | 25
.5 | 0.5
0.50 | 1/2
-0.5 | -\frac12
\frac{-1}{2} | -\frac{1}{2}
\frac{1}{-2} | -\frac{1}{2}
\dfrac{3}{4} | 0.75
\tfrac34 | 3/4
\frac 1 2 | 0.5
\frac1{72} | \frac{1}{72}
1\frac{1}{2} | 1.5
1\frac12 | \frac32
12 \frac{3}{5} | \frac{63}{5}
3 1/2 | 3.5
-2\frac{1}{3} | -\frac73
0.\overline{3} | \frac{1}{3}
0.1\overline{6} | \frac16
3e8 | 3 \times 10^8
4.5e33 | 4.5 \times 10^{33}
5.3 \times 10^{-9} | 5.3e-9
1.5 \cdot 10^3 | 1500
2*10^3 | 2000
10^{-2} | 0.01
2^{10} | 1024
5! | 120
\binom{5}{2} | 10
{5 \choose 2} | 10
\sqrt{16} | 4
\sqrt2 | \sqrt{2}
√2 | \sqrt{2}
sqrt(2) | \sqrt{2}
2^{1/2} | \sqrt{2}
\sqrt[3]{27} | 3
\sqrt[3]{-8} | -2
\sqrt{12} | 2\sqrt{3}
\frac{1}{\sqrt{2}} | \frac{\sqrt{2}}{2}
\frac{\sqrt{3}+1}{2} | \frac{1}{\sqrt{3}-1}
\sqrt{3+2\sqrt{2}} | 1+\sqrt{2}
\sqrt{2}\sqrt{3} | \sqrt{6}
\frac{2}{3}\pi | \frac{2\pi}{3}
2π/3 | \frac{2\pi}{3}
3\pi | 3pi
e^{i\pi} | -1
e^{I\pi} | -1
(1+i)^2 | 2i
i^{2025} | i
\frac{1}{1+i} | \frac{1-i}{2}
6+9i | 9i+6
\ln e | 1
\ln 8 | 3\ln 2
\log_2 8 | 3
\log_{10} 1000 | 3
\log 8 | 3\log 2
\ln{x} | \log{\left(x \right)}
\sin(\pi/6) | \frac12
\sin 30^\circ | \frac12
\cos\frac{\pi}{3} | 0.5
\tan^{-1} 1 | \frac{\pi}{4}
\arctan{1} | \operatorname{atan}{\left(1 \right)}
\arcsin(a) | \operatorname{asin}{\left(a \right)}
\sinh(x) | \frac{e^x-e^{-x}}{2}
\sin^2 x + \cos^2 x | 1
\sin 2x | 2\sin x\cos x
\sec^2 y - 1 | \tan^2 y
|x|^2 | x^2
\left|{x}\right| | |x|
\lfloor 3.7 \rfloor | 3
\lceil 2.001 \rceil | 3
\max(3, 7) | 7
\gcd(12, 18) | 6
\operatorname{lcm}(4, 6) | 12
x^2+2x+1 | (x+1)^2
x^2 + 2*x - (-1) | x^2+2x+1
x**2 + 1 | x^2+1
(x-1)(x+1) | x^2-1
2(a+b) | 2a+2b
\frac{x^2-1}{x-1} | x+1
\frac{x+2}{7} | \frac{x}{7}+\frac{2}{7}
\frac{1}{2x+2} | \frac{1}{2(x+1)}
a^{m+n} | a^m a^n
4^n | 2^{2n}
2^{n+1} | 2 \cdot 2^n
\frac{n(n+1)}{2} | \sum_{k=1}^{n} k
(n+1)! | (n+1) \cdot n!
\binom{n}{2} | \frac{n(n-1)}{2}
\sum_{i=1}^{4} i | 10
\int_0^1 x^2\,dx | \frac13
\frac{d}{dx} x^3 | 3x^2
\lim_{x \to 0} \frac{\sin x}{x} | 1
\prod_{k=1}^{4} k | 24
7 \sin(\frac{\pi}{5}x) + 1 | 7*sin(pi*x/5)+1
5 - 5c | -5*c+5*1
a^x \ln a | ln(a)*a^x
e^{-8x} \cos(9x) | x^0*e^(-8*x)*cos(9*x)
exp(2x) | e^{2x}
5(1+\sqrt{2}) | 5*[1+sqrt(2)]
x^{\frac{1}{2}} | \sqrt{x}
x^-1 | \frac{1}{x}
xy | yx
x_1 + x_2 | x_{2}+x_{1}
v_0^2 | v^2_0
k_B T | k_{\mathrm{B}} T
\alpha\beta | \beta \alpha
x = 5 | 5
5 | x=5
y = 2x + 3 | 2x+3
f(x) = 2x+3 | 2x + 3
f(x) = x^2 | y = x^2
x = 5 | 5 = x
AB = 7 | 7
\angle A = 60^\circ | 60
60^\circ | 60
60° | 60
336^\circ | 336
45 degrees | 45^\circ
60^\circ | \frac{\pi}{3}
10\% | 10
25% | 0.25
33.5\% | 0.335
28 pct | 28\%
10\text{ cm} | 10
10 cm | 10\text{ cm}
5 \text{ square feet} | 5 \text{ ft}^2
12 \text{ meters} | 12 \text{ m}
4\sqrt{2} \mathrm{~s} | 4\sqrt{2}
10 units | 10
7 dollars | \$7
9\text{ min} | 9
3 \pmod{7} | 3
x \equiv 3 \pmod 7 | 3 \pmod{7}
4343_6 | 4343
4343_{6} | 4343_6
2x+4y-3=0 | y=-\frac12 x+\frac34
x^2+y^2=4 | x^2+y^2-4=0
3x = 6 | x = 2
x+y=7 | 7
x<2 | 2>x
x < 2 | (-\infty, 2)
x \le 2 | (-\infty, 2]
x\geqslant 2 | [2,\infty)
0<x<1 | (0,1)
-1 \leq x < 3 | [-1, 3)
x \in [1, 2] | [1,2]
x>1 \text{ and } x<3 | (1,3)
x < -1 \text{ or } x > 1 | (-\infty,-1)\cup(1,\infty)
(-\infty, 2) U (2, \infty) | x \ne 2
\mathbb{R} \setminus \{2\} | (-\infty,2)\cup(2,\infty)
(-\infty,\infty) | \mathbb{R}
(1,\infty) \cup (-\infty,0) | (-\infty,0)\cup(1,+\infty)
[1,2]\cup[2,3] | [1,3]
2x < 4 | x < 2
(1,2) | \left( 1, 2 \right)
(\frac12, 0.75) | (0.5, \frac34)
\langle 1, 2 \rangle | (1,2)
1, 2, 3 | 3, 2, 1
1,2,3 | \{1,2,3\}
\{1,2\} | \{2,1\}
1 \text{ and } 2 | 1, 2
1 or 2 | 2,1
1; 2 | 1, 2
19, 46, and 82 | 19, 46, \text{ and } 82
x=1 \text{ or } x=2 | 1,2
x=1, x=2 | x = 2 \text{ or } x = 1
x=1, y=2 | 1, 2
x=1, y=2 | y=2, x=1
(x,y)=(1,2) | (1,2)
\pm 3 | 3, -3
x = \pm 3 | \{-3, 3\}
1 \pm \sqrt{2} | 1-\sqrt{2}, 1+\sqrt{2}
\{5\} | 5
\emptyset | \{\}
\varnothing | \emptyset
\begin{pmatrix}1&2\\3&4\end{pmatrix} | \begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}
\left[\begin{matrix}1\\2\end{matrix}\right] | \begin{pmatrix}1\\2\end{pmatrix}
\begin{pmatrix}1\\2\end{pmatrix} | (1,2)
Matrix([[1,2],[3,4]]) | \begin{pmatrix}1&2\\3&4\end{pmatrix}
\begin{pmatrix}1/2&0\end{pmatrix} | \begin{pmatrix}0.5&0\end{pmatrix}
2\begin{pmatrix}1\\2\end{pmatrix} | \begin{pmatrix}2\\4\end{pmatrix}
\begin{vmatrix}1&2\\3&4\end{vmatrix} | -2
11:21 | V_1:V_2 = 11:21
2:3 | 2 : 3
\text{Even} | even
\text{(B)} | B
(B) | B
B | \text{B}
B. | B
\textbf{(B) } 12 | 12
\text{True} | true
Yes | yes
Yes, because it converges | Yes
\frac{\sqrt{3}}{3} \approx 0.577 | \frac{\sqrt{3}}{3}
\frac{\sqrt{3}}{3} | \frac{1}{\sqrt{3}} \approx 0.577
\frac{14}{4} = \frac{7}{2} | 3.5
x = \frac{14}{4} = 3.5 | \frac72
0.333333 | \frac{1}{3}
3.141592653 | \pi
１２ | 12
−5 | -5
x² | x^2
½ | 0.5
\infty | +\infty
-\infty | -\infty
\text{June} | June
The answer is 5 | 5
Answer: \(9\) | 9
\mathrm{e} | e
1 - \frac{1}{\mathrm{e}} | 1-\frac1e
\mathbf{127} | 127
\textbf{(023) } | 23
\boxed{7} | 7
a_{n} = 2n+1 | 2n+1
\frac{2}{5}\sqrt{5} | \frac{2\sqrt5}{5}
2\sqrt{10.5} | \sqrt{42}
(x+1)! | \left(x + 1\right)!
\arccos{-1} | \pi
e^{\ln 3} | 3
\overline{AB} | \overline{AB}
C(5,2) | C(5,2)
\det(A) = 5 | 5
1,234 | 1, 234
\$32,348 | 32348
\left(-\infty, 0\right) | x<0
\text{(A)} | (A)
\mathrm{(A)} | A
\textbf{A} | A
A. 5 | A
\text{A. } 5 | A
\text{C: } \frac12 | C
2\text{ and }3 | 2,3
x=2\text{ and }y=3 | (2,3)
(x,y) = (2,3) | x=2, y=3
\frac{3}{4}x^2 | 0.75x^2
3^{-2} | \frac19
\sqrt{\frac{1}{2}} | \frac{\sqrt2}{2}
2^{\frac{3}{2}} | 2\sqrt2
\cos 60^{\circ} | \frac12
\ln(2)+\ln(3) | \ln 6
\frac{\ln 3}{\ln 2} | \log_2 3
\log_{2}{3} | \frac{\log 3}{\log 2}
\log 100 | 2
\lg 100 | 2
e^{2} | \exp(2)
0.1 | 10\%
\frac{1}{3}\% | 1/3
1:2:3 | 1 : 2 : 3
2:4 | 1:2
\frac{1}{2} | 1:2
x \in \{1,2\} | \{1,2\}
x \in \{1,2\} | 1,2
\{x \mid x > 2\} | (2,\infty)
\{x : x>2\} | x>2
\{x | 0<x<1\} | (0,1)
(-\infty,1)\cup(1,\infty) | \mathbb{R}\setminus\{1\}
\mathbb{R}-\{1\} | x\neq 1
x \neq 1 | \mathbb{R}\backslash\{1\}
all real numbers | \mathbb{R}
\text{no solution} | \emptyset
No solution | no solutions
\text{None} | none
y=x+1 | y = 1+x
y-x=1 | y=x+1
x^2+y^2=r^2 | r^2=x^2+y^2
xy=3 | y=\frac{3}{x}
\frac{x}{2}+\frac{y}{3}=1 | 3x+2y=6
a=1,b=2,c=3 | a=1, b=2, c=3
a=1,b=2,c=3 | (1,2,3)
(a,b,c)=(1,2,3) | (1,2,3)
1, 2, 3 | (1,2,3)
\pm\frac{\sqrt{3}}{2} | \frac{\sqrt3}{2}, -\frac{\sqrt3}{2}
x=-\frac{b \pm \sqrt{b^2-4ac}}{2a} | -\frac{b \pm \sqrt{b^2-4ac}}{2a}
2k\pi, k \in \mathbb{Z} | 2k\pi, k\in\mathbb{Z}
\begin{bmatrix}1\\2\\3\end{bmatrix} | \begin{pmatrix}1\\2\\3\end{pmatrix}
\left\langle 1,2,3\right\rangle | \begin{pmatrix}1\\2\\3\end{pmatrix}
\mathbf{i}+2\mathbf{j} | \mathbf{i}+2\mathbf{j}
\begin{array}{cc}1&2\\3&4\end{array} | \begin{pmatrix}1&2\\3&4\end{pmatrix}
\frac{1}{2}\begin{pmatrix}2\\4\end{pmatrix} | \begin{pmatrix}1\\2\end{pmatrix}
10{,}000 | 10000
10\,000 | 10000
10~000 | 10000
3\cdot10^{5} | 300000
3 × 10⁵ | 300000
2.5e-3 | 0.0025
1e3 | 1000
\frac{\pi}{4}+k\pi | \frac{\pi}{4}+\pi k
-1+\sqrt{3} | \sqrt3-1
(\sqrt5-1)/2 | \frac{\sqrt5-1}{2}
\frac{-1+\sqrt{5}}{2} | \frac{2}{1+\sqrt5}
\tan 15^\circ | 2-\sqrt3
\sin 18^\circ | \frac{\sqrt5-1}{4}
\arctan 2 + \arctan 3 | \frac{3\pi}{4}
\cot^{-1}(1) | \pi/4
\csc x | \frac{1}{\sin x}
5\text{ feet }6\text{ inches} | 5\text{ feet }6\text{ inches}
12\text{:}30 | 12:30
8:30 \text{ a.m.} | 8:30
\text{Monday} | Monday
50\text{ km/h} | 50
9.8 \, \mathrm{m/s^2} | 9.8
9.8\ \text{m}/\text{s}^2 | 9.8 \text{ m/s}^2
6.02\times10^{23}\text{ mol}^{-1} | 6.02e23
\$5.00 | 5
5\text{ dollars} | \$5
75¢ | 75
n\equiv 1\pmod{2} | 1 \pmod 2
2^{10}-1 | 1023
100! | 100!
\frac{100!}{98!} | 9900
\binom{10}{3} | 120
C_{10}^3 | C_{10}^3
F_{10} | F_{10}
|z|=5 | 5
\overline{z} | \overline{z}
3-4i | 3-4 i
2\operatorname{cis}(\pi/3) | 2\operatorname{cis}(\pi/3)
re^{i\theta} | r e^{i \theta}
\dfrac{a}{b} | a/b
a/b/c | \frac{a}{bc}
1/(2x) | \frac{1}{2x}
\sqrt[n]{x} | x^{1/n}
x^{a+b} | x^ax^b
(x^2)^3 | x^6
\max\{1,2\} | 2
\min(x,y) | \min(y,x)
\lfloor x\rfloor | \lfloor x \rfloor
\text{floor}(3.5) | 3
\sum_{i=1}^{n} i^2 | \frac{n(n+1)(2n+1)}{6}
\sum_{k=1}^{\infty}\frac{1}{k^2} | \frac{\pi^2}{6}
\prod_{i=1}^{n} i | n!
\sqrt{2+\sqrt{3}} | \frac{\sqrt{6}+\sqrt{2}}{2}
\sqrt[3]{2+\sqrt5}+\sqrt[3]{2-\sqrt5} | 1
\infty | infinity
\text{undefined} | undefined
x > 0, y > 0 | y>0, x>0
x\ge 0 \text{ and } x \le 5 | [0,5]
0 \leq x \leq 5 | 5 \geq x \geq 0
x>2y | 2y<x
2x>4y | x>2y
f(x)=x, f(x)=-x | f(x)=-x, f(x)=x
P(x)=x^2+1 | x^2+1
a_n=2^n-1 | 2^n-1
\text{The answer is }\frac12 | \frac12
\therefore x=2 | 2
x=2. | 2
**42** | 42
`42` | 42
-\frac{1}{2} | -.5
- 5 | -5
--5 | 5
(5) | 5
[5] | 5
\{5\} | \{5\}
5\% \text{ per year} | 5\%
\left\{ \begin{array}{l} x=1 \\ y=2 \end{array} \right. | x=1,y=2
\begin{cases} x=1 \\ y=2 \end{cases} | (1,2)
1\frac{3}{4}\text{ cups} | 7/4
4 \frac{1}{2} | 9/2
4\cdot\frac{1}{2} | 2
3 \text{ or } -3 | \pm 3
\text{3 or -3} | 3,-3
1 < x \text{ or } x < -1 | |x|>1
0.\dot{3} | 1/3
0.\overline{142857} | 1/7
3.0 | 3
3.00\text{ m} | 3
١٢ | 12
x = \frac{-3+\sqrt{5}}{2} | \frac{\sqrt{5}-3}{2}
2 \mathrm{e}^{-1} | 2/e
\mathrm{i} | i
\mathit{x}^2 | x^2
\boldsymbol{5} | 5
\color{red}{5} | 5
\underline{5} | 5
\displaystyle\frac12 | 0.5
\bigl(1,2\bigr) | (1,2)
\{(1,2),(3,4)\} | (3,4),(1,2)
(1,2), (3,4) | (1,2) \text{ and } (3,4)
"""

DIFFERENT = r"""
5 | 7
5 | -5
5 | 5.001
1,234 | 1235
0.33 | \frac13
0.3333 | \frac13
3.14 | \pi
3.14159 | \pi
25/37 | 0.657894736842105
10^{-40} | 10^{-41}
\frac{1}{2^{98}} | \frac{1}{2^{99}}
4 | 4\sqrt(2)
4\sqrt{2} | 4
\frac{1}{23} | \frac{12}{3}
1 - \frac{1}{\mathrm{e}} | 1+\frac{1}{\mathrm{e}}
1,2,\ldots,n | 1,3,5,\ldots
1 + 2 + \cdots + n | 1 + 3 + \cdots + n
x+1 | x+2n+1
x^2 | x^3
x | 2x
x | y
x | X
\sqrt{x^2} | x
\sqrt{2}i | \sqrt{2}
2021 | \pm 2021
3 | \pm 3
\pm 3 | 3
3, -3 | 3
1 | 1, 2
1, 2 | 1
41 or 42 | 42
42 or 41 | 42
41, 42 | 42
41 = 42 | 42
x = 41 = 42 | 42
42 = 41 | 42
\{1,2\} | (1,2)
(1,2) | (2,1)
(1,2) | [1,2]
(1,2] | [1,2)
[1,2] | [1,3]
(a,b) | (1,2)
x<2 | x>2
x<2 | x \le 2
x > -1 | x < 1
x<2 | y<2
(0,1) | (0,1]
x=5 | y=5
7 = 11a+c | 11a+c
x^2+y^2=4 | x^2+y^2=5
x^2-7x+10=0 | x^2+7x+10=0
\begin{pmatrix}1&2\\3&4\end{pmatrix} | \begin{pmatrix}1&2\\3&5\end{pmatrix}
\begin{pmatrix}1&2\end{pmatrix} | \begin{pmatrix}1\\2\\3\end{pmatrix}
1:00 | 12:00
2:3 | 3:2
\text{oddd} | odd
odd | even
A | B
(A) | B
A or B | B
A, B | B
Yes and no | Yes
no | yes
False | True
5 \text{ cm} | 5 \text{ m}
5 \text{ cm} | 5 \text{ cm}^2
18^\circ | 180^\circ
25\% | 26\%
25\% | 2.5
3 \pmod{7} | 3 \pmod{5}
4343_6 | 4343_7
12_8 | 10
2^{2025} | 3^{2025}
9^9^9^9 | x+1
9^{9^{9^9}} | 8^{8^{8^8}}
\infty | -\infty
\infty | 5
\ln 2 | \ln 3
\sin x | \cos x
e | 2.718
2^n | n^2
n! | n^n
\frac{0}{0} | 0
\frac{1}{0} | \infty
|x| | x
\lfloor x \rfloor | x
(-1)^n | 1
F_n | F_{n+1}
\sum_{k=0}^{n-1} F_k | n F_k
x+1=2 | 3
f(x)=2x | 3x
5 \text{ not } 6 | 5
5 6 | 56
not 5 | 5
0.5 \approx 42 | 42
42 \approx 0.5 | 0.5
x^{12} | x^1 2
\{1,2,3\} | \{1,2\}
\emptyset | 0
\{0\} | \emptyset
1+1/10^{60} | 1
\text{I do not know} | 5
{ | 5
. | 5
2,0 | 2,000
I(0) | 0
\text{infinitely many} | infinite
A=2, B=1 | A=1, B=2
3,2,1 | (1,2,3)
(3,2,1) | 1,2,3
1.000.000 | 1000000
3 x 10^5 | 300000
\text{Tuesday} | Monday
75\cents | 75
{}_{10}C_3 | 120
3-4i | 3+4i
\frac{a+b}{c} | a+b/c
\sqrt{x+1} | \sqrt{x}+1
f(x)=x^2 \text{ for all } x | f(x)=x^2
x = 2 \text{ (rejected: } x=3) | 2
42 (since 6*7=42) | 42
\text{even} | even numbers
(A) (B) | A
A/B | A
A. 5 B. 6 | A
A and C | A
\text{(A) or (B)} | A
"""


def cases() -> list[tuple[str, str, bool]]:
    """All pairs."""
    listed = []
    for text, equal in ((EQUAL, True), (DIFFERENT, False)):
        for line in text.strip().splitlines():
            answer, separator, gold = line.rpartition(" | ")
            assert separator, line
            listed.append((answer, gold, equal))
    return listed
