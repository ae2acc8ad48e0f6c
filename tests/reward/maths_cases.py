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
\frac{d}{dx} x^2 | 2x
\frac{d}{dx}\left(x^3+2x\right) | 3x^2+2
\frac{\mathrm{d}}{\mathrm{d}x}\sin x | \cos x
\int x dx | \int x \, dx
\int x\,dx | \frac{x^2}{2}
\int_0^1 x^2 dx | \frac13
\int_{0}^{\pi}\sin x\,\mathrm{d}x | 2
\int_a^b x dx | \frac{b^2-a^2}{2}
\lim_{x \to 0}\frac{\sin x}{x} | 1
\lim_{x\rightarrow\infty}\frac{1}{x} | 0
\lim_{x \to 3^{+}} a | a
\lim_{h\to 0}\frac{(x+h)^2-x^2}{h} | 2x
\sum_{k=1}^{3} k | 6
\sum_{k = 1}^{10} k^2 | 385
\sum^{10}_{k=1} k | 55
\prod_{k=1}^{5} k | 120
\prod_{a = b}^{c} x | \prod_{a=b}^c x
\sum_{n=0}^\infty \frac{1}{n!} | e
\sum_{n=1}^{\infty}\frac{1}{n^2} | \frac{\pi^2}{6}
\sum_{k=0}^{n} k | \frac{n(n+1)}{2}
\log_{10} 100 | 2
\log_{a^2} x | \frac{\ln x}{2\ln a}
\ln(e^3) | 3
\lg 1000 | 3
\log_3 9 + \log_2 4 | 4
\ln x y | \ln(xy)
|x| | \lvert x \rvert
\left\lvert -3\right\rvert | 3
||x|-|y|| | \left||x|-|y|\right|
|x||y| | |xy|
\lceil 3.2\rceil | 4
\left\lfloor \frac{7}{2} \right\rfloor | 3
\lfloor x\rfloor | \left\lfloor x\right\rfloor
\max(3,5) | 5
\min(3, 5, 1) | 1
\max\{3, 5\} | 5
\operatorname{lcm}(4,6) | 12
\operatorname{gcd}(8,12) | 4
\sqrt{\sqrt{16}} | 2
\sqrt 2 x | x\sqrt{2}
\sqrt12 | 2\sqrt{1}
\dbinom{n}{k} | \frac{n!}{k!(n-k)!}
x_{t + 1} | x_{t+1}
a_1 b_2 | b_2 a_1
f'(x) | f^{\prime}(x)
f_1(x) | f_{1}(x)
\overline{z} | \bar{z}
\sin^{-1} x | \arcsin x
\tan^{-1}(1) | \frac{\pi}{4}
\sin 2\theta | 2\sin\theta\cos\theta
\cos^{-1}\left(\frac12\right) | \pi/3
\sinh x | \frac{e^x-e^{-x}}{2}
\operatorname{arcsinh}(x) | \ln(x+\sqrt{x^2+1})
\arctan 1 | \frac\pi4
\cosh^2 x-\sinh^2 x | 1
(3)! | 6
\frac{7!}{5!} | 42
(n+1)! | (n+1)n!
\begin{matrix}1&2\\3&4\end{matrix} | \begin{bmatrix}1&2\\3&4\end{bmatrix}
\begin{pmatrix}1\\2\end{pmatrix} | \begin{bmatrix}1\\2\end{bmatrix}
\left[\begin{array}{cc}1&2\\3&4\end{array}\right] | \begin{pmatrix}1&2\\3&4\end{pmatrix}
\det\begin{pmatrix}1&2\\3&4\end{pmatrix} | -2
a \mod b | a \bmod b
3 \pmod 5 | 3\pmod{5}
50\% | \frac12
50 \% | 50%
x^{2^{3}} | x^8
x^2y^3 | y^3x^2
2^{-1} | 0.5
x^{-1} | \frac1x
e^{2\ln 3} | 9
\mathrm{e}^2 | e^2
\mathbf{x} | x
\text{i} | i
(a+b)^2 | a^2+2ab+b^2
-(-x) | x
+x | x
2\cdot-3 | -6
3\times 10^{-2} | 0.03
\frac1{x+1} | 1/(x+1)
\frac ab | \frac{a}{b}
\frac12 x | \frac{x}{2}
\nicefrac{1}{2} | 0.5
\tfrac34 | .75
{1 \over 2} | 0.5
\frac{a}{b}c | \frac{ac}{b}
1 \times 2 | 2
6 \div 3 | 2
a : b | a:b
12 - 5 x | -5x+12
\left(\frac{1}{2}\right)^3 | \frac18
\{1,2\}\cup\{3\} | \{1,2,3\}
\{1,2,3\} \setminus \{3\} | \{1,2\}
\{1,2\}\cap\{2,3\} | \{2\}
x^{2} | x**2
\left[1, 3\right) | Interval.Ropen(1, 3)
(1,3) | Interval.open(1,3)
(1, 3] | Interval.Lopen(1, 3)
[1,3] | Interval(1, 3)
(-\infty, 2) \cup (3, \infty) | Union(Interval.open(-oo, 2), Interval.open(3, oo))
\{1, 2\} | FiniteSet(1, 2)
\{1,2\} | {1, 2}
\frac{1}{3} | Rational(1, 3)
\begin{pmatrix}1&2\\3&4\end{pmatrix} | Matrix([[1, 2], [3, 4]])
\begin{pmatrix}1\\2\end{pmatrix} | Matrix([1, 2])
2\sqrt{3} | 2*sqrt(3)
\frac{\pi}{4} | pi/4
e^{-x} | exp(-x)
3i | 3*I
\ln 2 | log(2)
|x| | Abs(x)
\sqrt[3]{2} | 2**(1/3)
\frac{\sqrt{2}}{2} | sqrt(2)/2
x=3 | Eq(x, 3)
\infty | oo
\arcsin x | asin(x)
\binom{n}{k} | binomial(n, k)
n! | factorial(n)
\mathbb{R} | Reals
\emptyset | EmptySet
(-\infty,0) | (-oo, 0)
x \ge 2 | x >= 2
2<x\le 5 | (2 < x) & (x <= 5)
C_1 e^{x} | C1*exp(x)
\tan\left(\frac{x}{2}\right) | tan(x/2)
\left(1,2\right) | (1, 2)
-\frac{1}{2}+\frac{\sqrt{3}}{2}i | -1/2 + sqrt(3)*I/2
5 - 5c | -5*c + 5
f(x)=x^2 | f(x) = x**2
\left\{x, y\right\} | {x, y}
1.5 | 3/2
\frac{2x}{3} | 2*x/3
\sin^2(x) | sin(x)**2
x(x+1) | x*(x + 1)
f{\left(x \right)} = x^{2} | f(x)=x^2
1,234.50 | 1234.5
1 234 | 1234
1\,234\,567 | 1234567
1{,}234 | 1234
0.10 | .1
-0 | 0
1.2E-3 | 0.0012
3. | 3
\$3.50 | 3.5
€20 | 20
20 dollars | 20
$20$ cm | 20
20\text{ cm}^2 | 20
20 square units | 20
72^\circ | 72
72° | 72
72 degrees | 72^\circ
1½ | 1.5
2 1/2 | 2.5
2\frac{1}{2} | 5/2
π/2 | \frac{\pi}{2}
2π | 2\pi
∞ | \infty
3·4 | 12
3×10⁸ | 3\times10^8
0.\overline{3} | \frac13
0.\bar{3} | 1/3
0.1\overline{6} | 1/6
0.333333333 | 1/3
12_{8} | 12_8
1010_2 | 1010_{2}
10:30 | 10:30
3:4 | 3/4
\frac{3}{4} | 3:4
1/2 | 50%
4.5 \times 10^{33} | 4.5e33
1.6\cdot10^{-19} | 1.6e-19
10^{-40} | 1e-40
100,000,000 | 10^8
\text{42} | 42
\mathbf{42} | 42
"42" | 42
42% | 42
(42) | 42
{42} | 42
[42] | 42
n = 42 | 42
x \approx 3.14 | 3.14
\approx 3.14 | 3.14
three | 3
3 \text{ apples} | 3
3 hours | 3
\textbf{(A)}\ 12 | 12
\text{(B) }7 | 7
5\text{ or }-5 | -5, 5
\pm 5 | 5,-5
\pm\sqrt{2} | -\sqrt2, \sqrt2
2\pm\sqrt{3} | 2+\sqrt{3},2-\sqrt{3}
x=1\text{ or }x=2 | 1,2
x = 1, x = 2 | \{1,2\}
x_1=1,x_2=2 | 1,2
x\in\{1,2\} | 1,2
(1,2),(3,4) | \{(3,4),(1,2)\}
1, 2 \text{ and } 3 | 3,2,1
x=1,y=2 | (1,2)
x=5 | 5
y=2x+1 | 2x+1
f(x)=2x+1 | y=2x+1
f(x)=2x+1 | 2x+1
y-1=2(x-3) | y=2x-5
x+2y-3=0 | 2x+4y=6
2x+y=5 | y=5-2x
x^2+y^2=25 | x^2+y^2-25=0
\frac{x^2}{4}+\frac{y^2}{9}=1 | 9x^2+4y^2=36
x<2 | (-\infty,2)
x \in (-\infty, 2) | x<2
2>x | x<2
-1\le x<3 | [-1,3)
x\neq 2 | (-\infty,2)\cup(2,\infty)
|x|<2 | (-2,2)
x>3 \text{ or } x<-3 | (-\infty,-3)\cup(3,\infty)
\mathbb{R}\setminus\{0\} | (-\infty,0)\cup(0,\infty)
\mathbb{R} | (-\infty,\infty)
\text{all real numbers} | \mathbb{R}
\{\} | \emptyset
\{x\mid x>2\} | x>2
\{x : x \ge 0\} | [0,\infty)
(-\infty,2]\cup[3,\infty) | [3,\infty)\cup(-\infty,2]
x \le 2 \cup x\ge 3 | (-\infty,2]\cup[3,\infty)
\sqrt{8} | 2\sqrt{2}
\frac{2}{1+\sqrt{3}} | \sqrt{3}-1
2^{1/2} | \sqrt2
8^{2/3} | 4
\cos 60^\circ | \frac12
\sin 75^\circ | \frac{\sqrt6+\sqrt2}{4}
\tan\frac{\pi}{8} | \sqrt2-1
x^3-1 | (x-1)(x^2+x+1)
(x+1)(x-1) | x^2-1
\frac{1}{x}+\frac{1}{y} | \frac{x+y}{xy}
2(n+1) | 2n+2
n(n-1)/2 | \binom n2
2^{n+1} | 2\cdot2^n
\frac{3^{n}-1}{2} | \frac{1}{2}(3^n-1)
\sqrt{x^2} | |x|
a^2-b^2 | (a-b)(a+b)
1+2i | i(2-i)
\frac{1+i}{1-i} | i
3\operatorname{cis}60^\circ | \frac32+\frac{3\sqrt3}{2}i
2e^{i\pi/3} | 1+i\sqrt3
e^{\pi i} | -1
\langle 1,2\rangle | (1,2)
\vec{i}+2\vec{j} | \vec i+2\vec j
AB=5 | 5
\angle A = 30^\circ | 30
S_n = n^2 | n^2
a_n=2n-1 | 2n-1
P(A)=\frac14 | \frac14
P(x)=x^2 | x^2
\frac{dy}{dx}=2x | 2x
y'=2x | 2x
\text{Area}=5 | 5
V=\frac{4}{3}\pi r^3 | \frac{4\pi r^3}{3}
15\pi | 15\pi\text{ cm}^3
\frac{25}{4}\pi | 6.25\pi
(2,-3) | \left(2,\,-3\right)
(0.5, 1/3) | (\frac12,\frac13)
\left(3,\frac{\pi}{2}\right) | (3,\pi/2)
(1,2,3) | 1,2,3
\text{Tuesday} | Tuesday
\text{(C)} | C
C | (C)
C. | C
\text{even} | Even
\text{Yes} | yes
Option C | C
north-east | north-east
\text{June 20} | June 20
6:30 \text{ p.m.} | 6:30
3 \text{ and } 5 | 3,5
\$18.90 | 18.90
\$1{,}000 | 1000
16\text{ ft/s} | 16
10\ \mathrm{m/s^2} | 10\text{ m/s}^2
5\;\text{kg} | 5 kg
90 \text{ minutes} | 90 min
x\mapsto 2x | x\to 2x
x+y=7 | x+y=7
k=\frac{1}{2} | 0.5
\frac{1}{-2} | -0.5
-\frac{-3}{4} | 0.75
\frac{\sqrt{3}}{3}\approx0.577 | \frac{1}{\sqrt3}
(-1)\frac{2}{5} | -\frac25
2(3) | 6
(2)(3) | 6
(3)\frac{1}{2} | \frac32
\left(-1\right) \frac{2}{5} i - \frac{1}{5} | -\frac15-\frac25i
\{(x,y)\mid y=2x\} | \{(x,y): y=2x\}
\{2k+1 \mid k\in\mathbb{Z}\} | \{2k+1: k \in \mathbb{Z}\}
x=\frac{\pi}{4}+k\pi, k\in\mathbb{Z} | \frac{\pi}{4}+k\pi, k\in\mathbb{Z}
k\pi | \pi k
2n\pi, n\in\mathbb Z | 2\pi n, n \in \mathbb{Z}
\left\{\frac{1}{2},3\right\} | \left\{3,0.5\right\}
\left(0,\infty\right) | x>0
(0,+\infty) | (0,\infty)
(-\infty,+\infty) | \mathbb{R}
(1,2)\cup(3,4) | (3, 4) \cup (1, 2)
p=-1,p=\frac{15}{8} | p = \frac{15}{8} \text{ or } p=-1
x\geqslant 3 | [3, \infty)
0<x<1 | x\in(0,1)
a<b | b>a
x^2+1>0 | 0<x^2+1
x<1 \text{ or } x>2 | x>2\text{ or }x<1
1<x \text{ and } x<2 | (1,2)
(x-1)^2+(y+2)^2=9 | (x-1)^2+(y+2)^2=3^2
x=\frac{-1\pm\sqrt{5}}{2} | \frac{-1+\sqrt5}{2},\frac{-1-\sqrt5}{2}
x = 2 \pm i | 2+i, 2-i
\frac{3 \pm \sqrt{17}}{4} | \left\{\frac{3+\sqrt{17}}{4},\frac{3-\sqrt{17}}{4}\right\}
10\sqrt{3} \text{ cm}^2 | 10\sqrt3
\frac{5\pi}{6} \text{ radians} | \frac{5\pi}{6}
45\ \text{degrees} | 45^\circ
2.5\,\text{m} | 2.5
7\mathrm{~cm} | 7
3.2 \times 10^{4} \mathrm{~m} | 32000
9.8 \mathrm{~m} / \mathrm{s}^{2} | 9.8
\mathrm{A} | A
\textbf{B} | B
\text{B} | \text{(B)}
(\text{B}) | B
\textbf{(C)}\ 10 | C
(C) 10 | C
C: 10 | C
c | c
y=\frac{3}{2}x-4 | 3x-2y=8
y-2=\frac12(x-4) | y=\frac{x}{2}
x^2-5x+6=0 | (x-2)(x-3)=0
4x-y=7 | y=4x-7
r=2\cos\theta | r = 2 \cos \theta
f^{-1}(x)=\frac{x-3}{2} | \frac{x-3}{2}
f(x,y)=x+y | x+y
a=2,\ b=3 | a = 2, b = 3
(a,b)=(2,3) | a=2, b=3
b=3,a=2 | a=2,b=3
A=1;B=2 | A=1,B=2
2^{2024} | 4^{1012}
2^{100}-1 | -1+2^{100}
\frac{10!}{3!7!} | 120
10\cdot 9\cdot 8 | 720
3^5 \cdot 2 | 486
1+2+\cdots+10 | 1+2+\cdots+10
\log_4 9 | \log_2 3
e^{3} | \exp(3)
\ln(6) | \ln 2+\ln 3
\frac{1}{2}\ln 4 | \ln 2
\log_{10}2 | \lg 2
\frac{\sqrt{6}-\sqrt{2}}{4} | \sin 15^\circ
\sqrt{2-\sqrt3} | \frac{\sqrt6-\sqrt2}{2}
2\cos\frac{\pi}{9} | 2\cos 20^\circ
\arccos\left(-\frac12\right) | \frac{2\pi}{3}
\arctan 2+\arctan 3 | \frac{3\pi}{4}
-\cot 2x | \frac{\tan x - \cot x}{2}
\sec^2 x-1 | \tan^2x
\frac{1-\cos 2x}{2} | \sin^2 x
\sqrt[4]{4} | \sqrt2
\sqrt{\frac{1}{3}} | \frac{\sqrt3}{3}
\frac{\sqrt{15}}{\sqrt5} | \sqrt3
\sqrt[3]{2}\cdot\sqrt[3]{4} | 2
\left(\sqrt2\right)^4 | 4
\frac{6}{\sqrt[3]{4}} | 3\sqrt[3]{2}
\sqrt{50}-\sqrt{8} | 3\sqrt2
\sqrt{x^3} | x\sqrt{x}
\frac{1}{\sqrt{x}+1} | \frac{\sqrt{x}-1}{x-1}
x^{1/3} | \sqrt[3]{x}
x^{-1/2} | \frac{1}{\sqrt{x}}
(0,\infty) | \mathbb{R}^+
\mathbb{R}^{+} | (0,\infty)
\mathbb{Z} | \mathbb{Z}
[0,\infty) | x\ge0
(-\infty,-1)\cup(1,\infty) | |x|>1
-3<x<3 | |x|<3
x<-2,\ x>5 | (-\infty,-2)\cup(5,\infty)
x\in[1,2]\cup\{5\} | [1,2]\cup\{5\}
\left(-\infty,\frac{1}{2}\right] | x\leqslant 0.5
n\ge 3 | n>=3
1 \leq n \leq 5 | [1,5]
k<0\text{ or }k>4 | (-\infty,0)\cup(4,\infty)
k\in(-\infty,0)\cup(4,\infty) | k>4\text{ or }k<0
\begin{pmatrix} 1/2 & 0 \\ 0 & 0.5 \end{pmatrix} | \frac12\begin{pmatrix}1&0\\0&1\end{pmatrix}
\begin{bmatrix}1\\-2\\3\end{bmatrix} | (1,-2,3)
\begin{pmatrix}1\\[4pt]2\end{pmatrix} | \begin{pmatrix}1\\2\end{pmatrix}
\begin{bmatrix}2&1\\(-1)&3\end{bmatrix} | \begin{bmatrix}2&1\\-1&3\end{bmatrix}
\begin{bmatrix} a & b \end{bmatrix} | \begin{pmatrix}a & b\end{pmatrix}
[[1,2],[3,4]] | \begin{pmatrix}1&2\\3&4\end{pmatrix}
\left( \begin{array}{c} 1 \\ 2 \end{array} \right) | \begin{pmatrix}1\\2\end{pmatrix}
\begin{cases} x=1 \\ y=2 \end{cases} | x=1, y=2
\begin{cases}x^2 & x>0\\ -x & x\le 0\end{cases} | \begin{cases}x^2, & x > 0 \\ -x, & x \leq 0\end{cases}
1 : 2 : 3 | 1:2:3
2:3 | 4:6
\frac{2}{3} | 2:3
5\frac{1}{4}\% | 5.25\%
0.5\% | 0.005
12.5\% | \frac{1}{8}
3.14159265 | \pi
1.41421356 | \sqrt2
2.718281828 | e
0.142857142857 | \frac17
0.\dot{3} | \frac13
0.1\dot6 | \frac16
0.\overline{142857} | \frac17
\text{Monday} | monday
\text{The function is even} | \text{the function is even}
\text{neither} | neither
\text{ellipse} | Ellipse
\text{odd} | odd
No | \text{No}
\text{undefined} | \text{undefined}
i | \sqrt{-1}
\sqrt{-4} | 2i
(2+3i)(2-3i) | 13
\frac{1}{i} | -i
e^{i\pi/4} | \frac{1+i}{\sqrt2}
\cos\theta+i\sin\theta | e^{i\theta}
i^{2023} | -i
|3+4i| | 5
\omega^2+\omega | \omega+\omega^2
7\pmod{11} | 7 \bmod 11
x\equiv 3\pmod 7 | x \equiv 3 \mod 7
x \equiv 3 \pmod{7} | 3
101_2 | 101_{2}
1011_{\text{two}} | 1011_2
3a^2b | 3ba^2
2ab\cdot 3a | 6a^2b
\frac{a^3b}{ab^2} | \frac{a^2}{b}
(a+b+c)^2 | a^2+b^2+c^2+2ab+2bc+2ca
\frac{x}{x+1} | 1-\frac{1}{x+1}
\frac{1}{(n)(n+1)} | \frac1n-\frac1{n+1}
n!\cdot(n+1) | (n+1)!
\frac{(2n)!}{(n!)^2} | \binom{2n}{n}
(-1)^{n+1} | -(-1)^n
\frac{a^{n+1}-1}{a-1} | \frac{1-a^{n+1}}{1-a}
3\cdot 2^{n-1} | \frac{3}{2}2^n
\sqrt{n}\sqrt{n+1} | \sqrt{n(n+1)}
a_{n}=2^{n} | 2^n
F_{n+1} | F_{1+n}
\left\lfloor\frac{n}{2}\right\rfloor | \lfloor n/2\rfloor
\left\lceil \frac{n}{2}\right\rceil | \lceil n/2 \rceil
\dfrac{mv^2}{2} | \frac12 m v^2
\frac{GMm}{r^2} | G\frac{M m}{r^{2}}
\sqrt{\frac{2 h}{g}} | \sqrt{2h/g}
\frac{\hbar^2k^2}{2m} | \frac{\hbar^{2} k^{2}}{2 m}
2\pi\sqrt{\frac{L}{g}} | 2 \pi \sqrt{L/g}
v_0 t+\frac12 at^2 | v_{0}t+\frac{a t^{2}}{2}
\frac{\mu_0 I}{2\pi r} | \frac{\mu_{0} I}{2 \pi r}
6.02\times10^{23} | 6.02e23
E = mc^2 | mc^2
\frac{1}{4\pi\epsilon_0}\frac{q^2}{r^2} | \frac{q^2}{4\pi\varepsilon_0 r^2}
\lambda = \frac{h}{p} | h/p
5!! | 15
(2n-1)!! | \frac{(2n)!}{2^n n!}
x!!! | ((x!)!)!
17 \bmod 5 | 2
-14/2 \mod 5 | 3
872 / (12 \mod 9 * 4) * 2 | \frac{436}{3}
17 \bmod 5 = 2 | 2
3 \pmod 7 | 10 \pmod 7
\lcm(1/2, 3) | 3
|x||y| | |xy|
||x||y|| | |x||y|
|1-|x|| | ||x|-1|
\{x | |x|>2\} | |x|>2
\mleft|-1.1\mright| | 1.1
\left\vert x\right\vert | |x|
\lbrace1+2\rbrace\lbrace3-4\rbrace | -3
\sin\left\lbrack\theta\right\rbrack | \sin\theta
\left\{x + y\right\} z | z(x+y)
\ulcorner 3.5\urcorner | 4
\floor(6.9) | 6
p=5,q=2;p=7,q=2 | (5,2),(7,2)
p=5,q=2 \text{ and } p=7,q=2 | (7,2),(5,2)
1,2;3,4 | (1,2),(3,4)
[1,2;3,4] | \begin{pmatrix}1&2\\3&4\end{pmatrix}
{1,3} | \{3,1\}
{1,3} | (1,3)
{1,2} \cap {2,3} | \{2\}
2^6 * 3^5 * 5^4 | 2^6 3^5 5^4
f'_1(x) | f_{1}'{\left(x \right)}
y''_1 | y_{1}''
a'b+ab' | a b' + a' b
\overline{x}_{i}^{2} | bar{x}_i^{2}
\prod^c_{a = b} x | \prod_{a=b}^{c} x
\int (x dx) | \int x\, dx
\int \frac{3 dz}{z} | \int \frac{3}{z}\, dz
\frac{d f(x)}{dx} | \frac{d}{dx} f(x)
\lim_{x \longrightarrow 3} a | a
\lim_{x \to 0}\frac{\sin x}{x} = 1 | 1
3+3=2 | 2
x=1/3\approx1.3 | 1/3
A = \pi r^2 = 9\pi | 9\pi
180^\circ - 2\alpha | 180 - 2\alpha
1\le|z|\le\frac32 | [-\frac32,-1]\cup[1,\frac32]
\frac{1}{\sqrt6} | \frac{NO}{BO}=\frac{1}{\sqrt{6}}
W(x)=1orW(x)=-1 | W(x)=1 \text{ or } W(x)=-1
10\sqrt{3} cm | 10\sqrt3
4.4677 \times 10^{14} Hz | 4.4677e14
15000 \text{ kcal m}^{-2} \text{yr}^{-1} | 15000
0.003^{\prime\prime} | 0.003
5 \text{ million} | 5000000
33.5 percentage | 0.335
2.314814814815 \times 10^{-3} | \frac{1}{432}
\{x \in \mathbb{Z} : 1 \le x \le 3\} | \{1,2,3\}
\{x \mid x \in \mathbb{Z}, 1 < x \le 3\} | \{2,3\}
\{x \in \mathbb{R} : x < 4\} | (-\infty,4)
9 R 2 | 9 \text{ remainder } 2
{(e)} | \text{(E)}
c | C
D, it can't be A or B | D
yes | Y
\\frac{1}{2} | 0.5
\\begin{matrix} x \\\\ \\frac12 \\end{matrix} | \begin{matrix} x \\ 0.5 \end{matrix}
14 {, }916 | 14916
\pix | \pi x
185 | 185\
1950^\circ C | 1950
3 x 10^5 | 300000
{}_{10}C_3 | 120
f(x)=x^2 \text{ for all } x | f(x)=x^2
42 (since 6*7=42) | 42
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
\text{Tuesday} | Monday
75\cents | 75
3-4i | 3+4i
\frac{a+b}{c} | a+b/c
\sqrt{x+1} | \sqrt{x}+1
x = 2 \text{ (rejected: } x=3) | 2
\text{even} | even numbers
(A) (B) | A
A/B | A
A. 5 B. 6 | A
A and C | A
\text{(A) or (B)} | A
\left[1, 3\right] | Interval.Ropen(1, 3)
(1,3) | Interval(1,3)
2\sqrt{3} | 2*sqrt(2)
\{1,2\} | FiniteSet(1, 3)
(-\infty, 2) \cup (3, \infty) | Union(Interval.open(-oo, 2), Interval(3, oo))
1/2^{98} | 1/2^{99}
1.0001 | 1
0.33 | 1/3
42 or 43 | 42
42 = 43 | 42
1234 | 1.234
12.34 | 1234
10 | 100%
\sqrt{2} | 1.414
2/3 | 0.67
12_8 | 12_9
3:4 | 4:3
5 cm | 5 m
[1,2) | (1,2]
x>2 | x\ge 2
x>2 | x<2
\{1,2\} | \{1,2,3\}
1,2 | 1,2,3
4\sqrt(2) | 4
1-\frac1e | 1+\frac1e
x+1 | x-1
2x | x^2
\text{yes} | no
True | False
\frac{1}{ | 1
5 5 | 5
5! | 5
5^\circ | 5^\circ C
10^{10^{10}} | x
9^{9^{9^9}} | 9^{9^{9^{8}}}
1,234 | 1234 5
3+4i | 3-4i
e^{x} | e^{-x}
\begin{pmatrix}1&2\\3&4\end{pmatrix} | \begin{pmatrix}1&3\\2&4\end{pmatrix}
(-\infty,2)\cup(3,\infty) | (-\infty,2]\cup(3,\infty)
y=2x+1 | y=2x-1
x^2+y^2=1 | x^2+y^2=2
2x+3y=6 | 2x+3y=7
\frac{a}{b} | \frac{b}{a}
n | n+1
5\% | 0.5
\text{A and B} | A
(A) or (B) | (A)
0 | \emptyset
\{1,2\} | (1,2,3)
x=5 | 6
-1\le x<3 | (-1,3)
|x|<2 | (-2,2]
\frac{x^2-1}{x-1} | x-1
2^{n} | n^2
k\pi | 2k\pi
10 \text{ m/s} | 10 \text{ km/h}
(1,2) | (1,2,0)
15\pi | 15
\frac{\sqrt{3}}{3}\approx0.577 | \frac{\sqrt3}{2}
30 | \angle A=60^\circ
x=1,y=2 | (2,1)
10{,}000 | 1000
2+3i | 2+3j
\frac{a+b}{c} | a+\frac{b}{c}
-2^2 | 4
(-2)^2 | -4
-1^{2} | 1
1/2x+1 | 1/(2x+1)
\ln(x)+1 | \ln(x+1)
f(x)=2x | g(x)=3x
(0,1)\cup(1,2) | (0,2)
6:30 | 6.5
x\in\{1,2\} | (1,2)
\pm 2 | 2
2 | \pm2
\text{None} | 0
1,2,3,4 | 1,2,3,5
\frac{1}{3} | 0.3333
99.9 | 100
1000000 | 1000001
123456789123456789 | 123456789123456788
\sqrt{2}+\sqrt{3} | \sqrt{5}
\pi | \frac{22}{7}
\frac{d}{dx}x^2 | x
\int_0^1 x dx | 1
2\sin x | \sin 2x
0.999999 | 1
1.999999 | 2
1.0000001 | 1
0.9999999999 | 1
(1,2) | \{1,2\}
x=\frac{-1+\sqrt5}{2} | \frac{-1\pm\sqrt5}{2}
10\sqrt{3} | 10\sqrt2
\frac{\pi}{6} | 30
2^{2024} | 2^{2023}
2^{100} | 2^{100}+1
\log_2 3 | \log_3 2
\ln 2 | 0.69
x^{1/3} | x^{1/2}
(0,\infty) | [0,\infty)
|x|>1 | |x|\ge1
x<-2,\ x>5 | (-2,5)
\begin{pmatrix}1&2\\3&4\end{pmatrix} | \begin{pmatrix}1&2\end{pmatrix}
\begin{vmatrix}1&2\\3&4\end{vmatrix} | 2
1:2:3 | 3:2:1
0.33333 | \frac13
3.1415 | \pi
7\pmod{11} | 7\pmod{12}
101_2 | 5
101_2 | 101_3
F_{n+1} | F_{n}
\lfloor x\rfloor | \lceil x\rceil
v_0 | v_1
x_1 | x_2
\sin x+\cos x | \sin(x+\cos x)
\sin(x)/x | \sin(1)
e^x+e^{-x} | 2\sinh x
\sqrt{a^2+b^2} | a+b
(a+b)^2 | a^2+b^2
\frac{a}{b+c} | \frac ab+\frac ac
n! | n
(2n)! | 2n!
\binom{n}{2} | \binom{n}{3}
a-b | b-a
x<y | y<x
a<b | a>b
x\ge 3 | x=3
(2,3) | (2,3]
\pm3 | 3,-3,0
2,3,3 | 2,3,4
\text{Monday or Tuesday} | Monday
A, B | A
\text{even} | \text{odd}
i | -i
1+i | 1-i
\frac{d}{dx}x^3 | x^3
\infty | 0
\text{DNE} | 0
1\cdot10^{-30} | 0
10^{-100} | 0
0 | 10^{-100}
\sin(\pi+10^{-50}) | 0
\pi+10^{-70} | \pi
\sqrt2+10^{-80} | \sqrt2
e^{\pi\sqrt{163}} | 262537412640768744
(x+10^{-60})^2 | x^2
\cos x+10^{-70}\sin x | \cos x
\sin^2x+\cos^2x+10^{-60} | 1
1.0\overline{9} | 1.2
0.9 | 1
42+0.0000001 | 42
\frac{42}{1.00000001} | 42
5\text{ apples or }6 | 5
5\text{ but not }6 | 6
x=5,x=6 | x=5
5 = x = 6 | 5
f_1(x) | f_2(x)
9 R 2 | 18R
9 R 2 | 9 R 3
3 \pmod 7 | 10 \pmod 8
17 \bmod 5 | 17
||x|-|y|| | |y|-|x|
\text{not } x=4 | x=4
\text{maybe } 4 | 4
17=\sqrt{2} | \sqrt{2}
5 \text{ million} | 5
5 \text{ squared} | 5
5 \text{ false} | 5
No domain | No positive integers
\{x \in \mathbb{Z} : 1 \le x \le 5\} | [1,5]
\{x \in \mathbb{Z} : 1 \le x \le 5\} | \{x \in \mathbb{R} : 1 \le x \le 5\}
\{x \in \mathbb{N} : x < 3\} | \{0,1,2\}
\{(a,b):ab\geq 3\} | \{(a,b):ab\leq 3\}
0.333334 | 1/3
\sin 30^\circ + 1 | \sin 30 + 1
\gcd(m,n) | 1
4 | x^2+y^2=4
5 \text{ cm} | 5^\circ
\neg 42 | 42
\lnot 0 | 0
A or B, but not C | A
yes | N
x=1,y=2,x=3,y=4 | 1,2,3,4
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
