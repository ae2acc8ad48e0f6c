"""Answers of the kinds that public reports show: gold || content of the box || T or F, under a line with the kind."""

from __future__ import annotations

KINDS = r"""
# text number
42 || \text{42 apples} || T
3.5 || \text{3.5 km} || T
17 || \text{17} || T
17 || \text{18 cm} || F
1{,}200 || \text{1,200 people} || T
12 || \text{12 million} || F
-4 || \text{-4 degrees} || T
# qualifier
f(x)=0 || f(x)=0 \text{ for all real } x || T
f(x)=cx || f(x)=cx \text{ where } c \text{ is a constant} || T
f(x) = kx \text{ for some constant } k || f(x)=cx \text{ for any real constant } c || T
f(n)=n+1 || f(n) = n+1 \quad \forall n \in \mathbb{Z} || T
2^n-1 || 2^n - 1, \quad n \geq 1 || T
2^n-1 || 2^n - 1 \quad (n \ge 1) || T
2^n-1 || 2^n - 2 \quad (n \ge 1) || F
a_n = 3n+2 || a_n = 3n+2, n \in \mathbb{N} || T
y = x^2, x \ge 0 || y=x^2 \text{ for } x \ge 0 || T
y = x^2, x \ge 0 || y=x^2 \text{ for } x \le 0 || F
y = 2x, x > 0 || y = 2x, x < 0 || F
y = \ln x || y = \ln x \ (x > 0) || T
\frac{1}{x-1} || \frac{1}{x-1}, x \neq 1 || T
\frac{1}{x-1} || \frac{1}{x-1} \text{ where } x \ne 1 || T
x>2 || x>2, x \in \mathbb{R} || T
n(n+1) || n(n+1) \text{ for every positive integer } n || T
5 || 5 \text{ if } x > 0 \text{ and } 3 \text{ if } x < 0 || F
5 || 5 \text{ or } 3 || F
k\pi, k \in \mathbb{Z} || k\pi || T
k\pi, k \in \mathbb{Z} || n\pi \text{ where } n \text{ is an integer} || T
2k\pi, k \in \mathbb{Z} || k\pi, k \in \mathbb{Z} || F
f(x) = 2x \text{ or } f(x) = 0 || f(x)=2x || F
x^2+1 || x^2+1 \text{ for } x \in [0,1] || T
-2 < x < 2 || -2<x<2 \text{ (all real)} || T
3 \pmod 5 || 3 \text{ (mod } 5) || T
3 \pmod 5 || 3 \text{ mod } 5 || T
3 \pmod 5 || 8 \pmod 5 || T
3 \pmod 5 || 4 \pmod 5 || F
5 \text{ (mod } 7) || 5 \pmod{8} || F
f(x)=x+c \text{ for any real } c || f(x) = x + c || T
f(x)=x+c, \text{ where } c \text{ is an arbitrary constant} || f(x) = x + C || T
# interval
\text{All real numbers except } 3 || x \ne 3 || T
\text{All real numbers except } 3 || \mathbb{R} \setminus \{3\} || T
\text{All real numbers except } 3 || (-\infty,3)\cup(3,\infty) || T
\text{all real numbers except } 1 \text{ and } 2 || x \neq 1, 2 || T
\text{all real numbers except } 1 \text{ and } 2 || \mathbb{R}\setminus\{1,2\} || T
\text{All real numbers except } 3 || x \ne 4 || F
[1,3] || \{x : 1 \le x \le 3\} || T
[1,3] || 1 \le x < 3 || F
[2, \infty) || x \ge 2 || T
(0,1) || 0 < x < 1 || T
[1,3] || x \in [1,3] || T
\mathbb{R} || \text{all real numbers} || T
\mathbb{R} || (-\infty, \infty) || T
# matrix
\begin{pmatrix}1&0&0\\0&2&0\\0&0&3\end{pmatrix} || \operatorname{diag}(1,2,3) || T
\begin{pmatrix}1&0\\0&2\end{pmatrix} || \text{diag}(1,2) || T
\begin{pmatrix}1&0\\0&2\end{pmatrix} || \operatorname{diag}(2,1) || F
\begin{pmatrix}3\\4\\5\end{pmatrix} || (3,4,5)^\top || T
\begin{pmatrix}3\\4\\5\end{pmatrix} || (3,4,5)^{\mathrm{T}} || T
\begin{bmatrix}3\\4\end{bmatrix} || \begin{bmatrix}3&4\end{bmatrix}^T || T
\begin{pmatrix}3\\4\end{pmatrix} || (4,3)^T || F
\begin{pmatrix}1&2\\3&4\end{pmatrix} || \begin{pmatrix}1&3\\2&4\end{pmatrix}^T || T
\begin{pmatrix}1&2\\3&4\end{pmatrix} || \begin{pmatrix}1&2\\3&4\end{pmatrix}^T || F
# vector
(1,2,-3) || \vec{i}+2\vec{j}-3\vec{k} || T
(1,2,-3) || \hat{\mathbf{i}}+2\hat{\mathbf{j}}-3\hat{\mathbf{k}} || T
(1,2,-3) || \mathbf{i}+2\mathbf{j}+3\mathbf{k} || F
(3,-4) || 3\mathbf{i}-4\mathbf{j} || T
3\mathbf{i}-4\mathbf{j} || 3\hat{i} - 4\hat{j} || T
3\mathbf{i}-4\mathbf{j} || (3,-4) || T
3\mathbf{i}-4\mathbf{j} || (-4,3) || F
(2,0,1) || 2i+k || T
\langle 1,2,3\rangle || (1,2,3) || T
# point
(1,2) || P(1,2) || T
(1,2) || P = (1,2) || T
(1,2) || P(2,1) || F
(0,0),(1,1) || A(0,0), B(1,1) || T
P(3,4) || (3,4) || T
(1,2) || x=1, y=2 || T
(1,2) || \text{the point } (1,2) || T
# list
1,3,5,7,9 || 1, 3, \ldots, 9 || T
1,2,3,4,5 || \{1,2,...,5\} || T
1,2,3,4,5,6 || \{1,2,\ldots,5\} || F
2,4,8,16,32 || 2,4,8,\ldots,32 || T
\{1,2,\ldots,100\} || \{1,2,3,\dots,100\} || T
# unit
60 \text{ mph} || 60 \text{ miles per hour} || T
60 \text{ mph} || 60 \text{ mi/h} || T
60 \text{ mph} || 60 \text{ km/h} || F
9.8 \text{ m/s}^2 || 9.8\ \mathrm{m\,s^{-2}} || T
9.8 \text{ m/s}^2 || 9.8\ \mathrm{m/s^2} || T
9.8 \text{ m/s}^2 || 9.8 \text{ meters per second squared} || T
5 \text{ kg} || 5kg || T
12 \text{ cm}^2 || 12cm^2 || T
12 \text{ cm}^2 || 12 \text{ square centimeters} || T
12 \text{ cm}^2 || 12 \text{ sq cm} || T
12 \text{ cm}^2 || 12 \text{ cm}^3 || F
12 \text{ cm}^2 || 12 \text{ cm} || F
3 \text{ J} || 3J || T
20 \text{ V} || 20V || T
15 \text{ L} || 15 \text{ liters} || T
500 || \text{₹} 500 || T
500 || \$500 || T
500 || 500 \text{ rupees} || T
45 || \text{EUR } 45 || T
45 || 45 \text{ USD} || T
45 || \text{US}\$45 || T
2\pi || 2\pi\text{ cm} || T
2\pi || 2\pi rad || T
3\sqrt{2} || 3\sqrt{2}cm || T
3\sqrt{2} || 3\sqrt{2}\,\mathrm{cm} || T
10 \text{ m/s} || 10\ \text{m} \cdot \text{s}^{-1} || T
1 \text{ mol/L} || 1\ \mathrm{mol\,L^{-1}} || T
# unit without \text
5 || 5 km/h || T
30 || 30 m/s || T
30 || 31 m/s || F
10 || 10 kg/m^3 || T
9.8 || 9.8 m/s^{2} || T
7 || 7 m^3 || T
x=30 || x = 30 m/s || T
\frac{1}{2} || \frac{1}{2} m/s || T
9.8 m/s^2 || 9.8\ \mathrm{m\,s^{-2}} || T
9.8 m/s^2 || 9.8\ \mathrm{m\,s^{-1}} || F
30 \text{ m/s} || 30 km/h || F
30 m || 30 m^2 || F
7m^3 || 7 m^3 || T
7n^3 || 7 m^3 || F
2m^2+n^2 || n^2+2 m^2 || T
2 A/B || \frac{2A}{B} || T
# unit clash
5 \text{ kW} || 5 \text{ W} || F
5 \text{ ms} || 5 \text{ s} || F
5 \text{ km} || 5 \text{ m} || F
5 \text{ mg} || 5 \text{ g} || F
5 \text{ mL} || 5 \text{ L} || F
5 \text{ hours} || 5 \text{ minutes} || F
5 \text{ kPa} || 5 \text{ Pa} || F
5 \text{ eV} || 5 \text{ J} || F
5 \text{ dollars} || 5 \text{ cents} || F
10\% \text{ increase} || 10\% \text{ decrease} || F
3 \text{ boys} || 3 \text{ girls} || F
100 \text{ north} || 100 \text{ south} || F
8 \text{ a.m.} || 8 \text{ p.m.} || F
8{:}00 \text{ AM} || 8:00 \text{ PM} || F
8{:}00 \text{ AM} || 8:00 \text{ am} || T
5 \text{ left} || 5 \text{ right} || F
5 \text{ wins} || 5 \text{ losses} || F
\$20 \text{ profit} || \$20 \text{ loss} || F
\$20 \text{ profit} || \$20 \text{ profit} || T
\$20 \text{ profit} || \$20 || T
6 \text{ apples} || 6 \text{ apples} || T
6 \text{ years older} || 6 \text{ years younger} || F
5^\circ \text{C} || 5^\circ \text{F} || F
25 \text{ MHz} || 25 \text{ GHz} || F
3 \text{ MB} || 3 \text{ GB} || F
7 \text{ inches} || 7 \text{ feet} || F
# word number
30 || \text{thirty} || T
12 || \text{twelve} || T
12 || \text{twenty} || F
100 || \text{one hundred} || T
\frac{3}{4} || \text{three quarters} || T
5 || 5 \text{ thousand} || F
5000 || 5 \text{ thousand} || T
7 || 7 \text{ tenths} || F
0.7 || 7 \text{ tenths} || T
4 || 4 \text{ squared} || F
4 || 4 \text{ dozen} || F
48 || 4 \text{ dozen} || T
6 || 6 \text{ factorial} || F
8 || 8 \text{ or maybe nine} || F
9 || 9 \text{ plus one} || F
9 || 9 \text{ percent} || T
2 || 2 \text{ pairs} || T
3 || 3 \text{ hundred} || F
1.5 || 1.5 \text{ billion} || F
10 || 10 \text{ times } 2 || F
2 || \text{minus two} || F
-2 || \text{minus two} || T
7 || \text{not } 7 || F
7 || 7 \text{ is wrong} || F
# ordinal/currency
21 || 21^{\text{st}} || T
3 || 3^{rd} || T
5 || 5^{\text{th}} || T
22 || \text{22nd} || T
21 || \text{22nd} || F
# repeating
\frac{1}{6} || 0.1666\ldots || T
\frac{1}{6} || 0.1\overline{6} || T
\frac{1}{6} || 0.1\dot{6} || T
\frac{1}{6} || 0.1(6) || T
\frac{2}{3} || 0.666... || T
\frac{1}{7} || 0.142857142857\ldots || T
\frac{1}{11} || 0.0909\ldots || T
\frac{1}{3} || 0.3333 || F
\frac{1}{3} || 0.34\ldots || F
\frac{1}{3} || 0.333\ldots4 || F
\frac{5}{9} || 0.\dot{5} || T
1 || 0.999\ldots || T
# approx
2.72 || e \approx 2.72 || T
1.41 || \sqrt{2} \approx 1.41 || T
78.54 || 25\pi \approx 78.54 || T
25\pi || 25\pi \approx 78.54 || T
78.5 || 25\pi \approx 78.54 || F
78.54 || 24\pi \approx 78.54 || F
3.14 || \pi || F
# scientific
3.2 \times 10^{-5} || 3.2 x 10^{-5} || T
3.2 \times 10^{-5} || 3.2e-5 || T
6000000 || 6 \times 10^6 || T
6000000 || 6 x 10^5 || F
# plus-minus
\pm 2 || 2, -2 || T
\pm 2 || 2 || F
\pm 1 \pm i || 1+i, 1-i, -1+i, -1-i || T
(\pm 2, 3) || (2,3), (-2,3) || T
(\pm 1, \pm 1) || (1,1), (1,-1), (-1,1), (-1,-1) || T
(\pm 1, 0) || (1,0) || F
(0, \pm 3) || (0,3) \text{ and } (0,-3) || T
\pm\sqrt{2} || x = \sqrt2 \text{ or } x = -\sqrt2 || T
1 \pm \sqrt{3} || 1+\sqrt3, 1-\sqrt3 || T
# function
f(x)=x^2 || x \mapsto x^2 || T
f(x)=x^2 || f: x \mapsto x^2 || T
f(x)=x^2 || x \mapsto x^3 || F
f(x)=|x-1| || f(x)=\begin{cases} x-1 & x \ge 1 \\ 1-x & x<1\end{cases} || T
f(x)=|x-1| || f(x)=\begin{cases} x-1, & \text{if } x \ge 1 \\ 1-x, & \text{otherwise}\end{cases} || T
f(x)=|x-1| || f(x)=\begin{cases} x-1 & x \ge 1 \\ x+1 & x<1\end{cases} || F
\begin{cases} 0 & x<0\\ 1 & x \ge 0\end{cases} || \begin{cases} 1 & x \ge 0\\ 0 & x < 0\end{cases} || T
\begin{cases} 0 & x<0\\ 1 & x \ge 0\end{cases} || \begin{cases} 1 & x > 0\\ 0 & x \le 0\end{cases} || F
\begin{cases} 0 & x<0\\ 1 & x \ge 0\end{cases} || \begin{cases} 0 & x \ge 0\\ 1 & x < 0\end{cases} || F
f(x) = x^2 || y = x^2 || T
\max(x,3) || \begin{cases} x & x > 3 \\ 3 & x \le 3 \end{cases} || T
# antiderivative
x^2 + C || x^2 + 5 + C || T
\ln|x| + C || \ln|x| + K || T
\frac{1}{2}\sin 2x + C || \sin x \cos x + C || T
\tan^2 x + C || \sec^2 x + C || T
x^2 + C || x^2 || F
x^2 + C || x^3 + C || F
\sin^2 x || -\cos^2 x || F
x^2+C || 2x^2 + C || F
e^x + C || e^x + c || T
# renamed parameter
x = \frac{\pi}{6} + 2k\pi, k \in \mathbb{Z} || x = \frac{\pi}{6} + 2n\pi, n\in\mathbb{Z} || T
x = \frac{\pi}{6} + 2k\pi, k \in \mathbb{Z} || x = \frac{\pi}{6} + n\pi, n\in\mathbb{Z} || F
x = \frac{\pi}{6} + 2k\pi, k \in \mathbb{Z} || \frac{\pi}{6} + 2\pi k || T
x = \frac{\pi}{6} + 2k\pi, k \in \mathbb{Z} || x=\frac{\pi}{6}+2\pi m, \quad m \text{ integer} || T
\{3k : k\in\mathbb{Z}\} || \{3n \mid n\in \mathbb{Z}\} || T
\{3k : k\in\mathbb{Z}\} || \{2n \mid n\in \mathbb{Z}\} || F
\{2k+1 : k\in\mathbb{Z}\} || \{2n-1 : n\in\mathbb{Z}\} || T
\{4k+1 : k\in\mathbb{Z}\} || \{4n-1 : n\in\mathbb{Z}\} || F
\{2k : k\in\mathbb{N}\} || \{2n : n \in \mathbb{N}\} || T
(t, 2t), t \in \mathbb{R} || (s, 2s), s \in \mathbb{R} || T
ax+b || cx+d || F
n^2 || m^2 || F
2n || 2k || F
# equation
y = \sqrt{9-x^2} || x^2+y^2=9 || F
x^2+y^2=9 || y=\pm\sqrt{9-x^2} || T
x^2+y^2=9 || y=\sqrt{9-x^2} || F
y = e^{x} || x = \ln y || T
y = e^{3x} || \ln y = 3x || T
xy = 6 || y = \frac{6}{x} || T
\frac{x^2}{4}+\frac{y^2}{9}=1 || 9x^2+4y^2=36 || T
y - 1 = 2(x-3) || y=2x-5 || T
y^2 = 4x || y = 2\sqrt{x} || F
y^2 = 4x || y = \pm 2\sqrt{x} || T
y^2 = 4x || x = \frac{y^2}{4} || T
# base
1011_2 || (1011)_2 || T
1011_2 || 1011_{2} || T
1011_2 || 1011_3 || F
1011_2 || 1101_2 || F
\text{FF}_{16} || FF_{16} || T
3B_{16} || \text{3B}_{16} || T
3B_{16} || 3C_{16} || F
1011_2 || 1011_{\text{two}} || T
1011_2 || 1011 || T
# time
6:30 \text{ p.m.} || 6{:}30 \text{ PM} || T
6:30 \text{ PM} || 6:30 || T
2 \text{ hours } 30 \text{ minutes} || 2 \text{ hr } 30 \text{ min} || T
2 \text{ hours } 30 \text{ minutes} || 2 \text{ hours and } 30 \text{ minutes} || T
2 \text{ hours } 30 \text{ minutes} || 2 \text{ hours } 20 \text{ minutes} || F
5 \text{ feet } 3 \text{ inches} || 5 \text{ ft } 3 \text{ in} || T
2 \text{ minutes and } 5 \text{ seconds} || 2 \text{ min } 5 \text{ s} || T
10{:}15 || 10:15 || T
10:15 || 10:16 || F
\text{3 hours 20 minutes} || 3 \text{ hours } 20 \text{ minutes} || T
# date
\text{July 4} || \text{July 4th} || T
\text{July 4} || \text{4 July} || T
\text{July 4} || \text{July 5} || F
\text{March 3rd} || \text{March 3} || T
\text{Monday} || \text{Tuesday} || F
# angle
45^\circ || \frac{\pi}{4} \text{ radians} || T
45^\circ || 45 \text{ degrees} || T
45^\circ || 45 || T
45^\circ || \frac{\pi}{3} \text{ rad} || F
90^\circ || \frac{\pi}{2} || T
\frac{\pi}{2} || 90^\circ || T
# ratio
2:5 || 2 \text{ to } 5 || T
2:5 || \frac{2}{5} || T
2:5 || 5:2 || F
2:3:4 || 2 : 3 : 4 || T
2:5 || 5 \text{ to } 2 || F
# large
2^{500} || \sum_{k=0}^{500} \binom{500}{k} || T
3000! || 3000 \cdot 2999! || T
\frac{100!}{98!} || 9900 || T
\binom{2024}{3} || \binom{2024}{2021} || T
\binom{2024}{1012} || \binom{2024}{1011} || F
2023! || 2022! || F
\frac{2024!}{2023!} || 2024 || T
\underbrace{11\ldots1}_{100} || \frac{10^{100}-1}{9} || T
\underbrace{33\ldots3}_{2024} || \frac{10^{2024}-1}{3} || T
\underbrace{99\ldots9}_{2024} || 10^{2025}-1 || F
\underbrace{99\ldots9}_{n \text{ digits}} || 10^n - 1 || T
\lfloor 10^{15} e \rfloor || 2718281828459045 || T
\lfloor 10^{15} e \rfloor || 2718281828459046 || F
2^{2024}-1 || 2^{2024} || F
# text
\text{Alice and Bob} || \text{Alice, Bob} || T
\text{Alice and Bob} || \text{Alice} || F
\text{Alice, Bob, Carol} || \text{Carol, Alice and Bob} || T
\text{Bob} || \text{Alice} || F
\text{undefined} || \text{The expression is undefined} || T
\text{True} || \text{true} || T
\text{True} || \text{The statement is false} || F
\text{True} || \text{not true} || F
\text{converges} || \text{The series diverges} || F
\text{converges} || \text{convergent} || T
\text{diverges} || \text{The series does not converge} || F
\text{even} || \text{The function is even} || T
\text{even} || \text{The function is not even} || F
\text{does not exist} || \text{The limit does not exist} || T
\text{no solution} || \text{There is no solution} || T
\text{no solution} || \varnothing || T
\text{Yes} || \text{Yes, it is} || T
\text{Yes} || \text{No} || F
\text{decreasing} || \text{increasing} || F
1 || \text{none} || F
# prose in box
5 || \text{The maximum value is } 5 || T
5 || \text{The maximum value is not } 5 || F
5 || \text{The answer is } 5 || T
5 || \text{Answer: } 5 || T
5 || \text{Total: } 5 || T
5 || \text{at least } 5 || F
5 || \text{less than } 5 || F
5 || \text{There are exactly } 5 \text{ solutions} || T
5 || \text{Area} = 5 || T
5 || \text{Area } = 5 \text{ cm}^2 || T
\frac13 || \text{The probability is } \frac{1}{3} || T
\frac13 || \text{The probability that } A \text{ wins is } \frac{1}{3} || T
5 || \text{Minimum: } 5, \text{ maximum: } 9 || F
9 || \text{Minimum: } 5, \text{ maximum: } 9 || F
7 || x = 7 \text{ (since } x \text{ is positive)} || T
7 || 7 \text{ because } 3+4=7 || T
7 || \text{no more than } 7 || F
12 || \text{The value is approximately } 12 || F
15 || x = 15 \text{ is the only solution} || T
15 || 15 \text{ apples in total} || T
15 || \text{She has 15 apples} || T
15 || 15 \text{ (apples)} || T
# choice
ACD || A, C, D || T
ACD || A, C || F
ACD || \text{A, C and D} || T
ACD || (A), (C), (D) || T
ACD || A C D || T
ACD || \text{A and C and D} || T
ACD || ACD || T
AC || A,C || T
C || (C) || T
C || \text{(C) 12} || T
C || (D)\ 12 || F
12 || (C)\ 13 || F
12 || \text{(C) } 12 || T
12 || \textbf{(C)}\ 12 || T
12 || \text{C. } 12 || T
12 || C.\ 12 || T
\text{B and D} || BD || T
# Chinese
3\text{小时} || 3\text{小时} || T
3\text{小时} || 3 \text{ hours} || T
3\text{小时} || 3 || T
5\text{千米} || 5\text{米} || F
5\text{元} || 5\text{角} || F
5\text{个} || 5 || T
12\text{平方厘米} || 12 || T
12\text{平方厘米} || 12\text{ cm}^2 || T
①②④ || ①②④ || T
①②④ || ①, ②, ④ || T
①②④ || ①②③ || F
①③ || ③① || T
x=1\text{或}x=2 || 1, 2 || T
x=1\text{或}x=2 || x=1 || F
x=1\text{ 或 } -3 || x=1 \text{ or } x=-3 || T
x=1 \text{ et } x = 2 || 1,2 || T
x=1 \text{ ou } x = 2 || x = 1 \text{ or } x=2 || T
# markup
42 || 42 \tag{3.1} || T
42 || 42 \checkmark || T
42 || 42 \quad \blacksquare || T
42 || 42\ \square || T
1000 || 10^3 || T
\fbox{\frac12} || \frac12 || T
# exploit
1 || 0^0 || F
1 || \left(\frac{0}{0}\right)^0 || F
0 || 0 \cdot \frac{1}{0} || F
5 || 5 + 0\cdot\infty || F
1 || \cos(10^{-500}) || F
1 || \coth(5000) || F
2 || 1 + \tanh(4000) || F
\frac{\pi}{2} || \arctan(10^{2000}) || F
1 || 1 + 10^{-300} || F
3 || 3 + e^{-5000} || F
0 || \sin(10^{-400}) || F
7 || 7 \cdot 1.00000000000000000000000000000000000000001 || F
0 || 10^{-500} || F
1 || \frac{\infty}{\infty} || F
# binomial
\binom{12}{5} || C_{12}^{5} || T
\binom{12}{5} || {}_{12}C_{5} || T
\binom{12}{5} || ^{12}C_5 || T
\binom{12}{5} || C(12,5) || T
792 || \binom{12}{5} || T
\binom{12}{5} || C_{12}^{6} || F
60 || P_5^3 || T
60 || A_5^3 || T
60 || {}^5P_3 || T
# sampled
|x-7| || x-7 || F
|x-7| || 7-x || F
|x-7| || |7-x| || T
10 || |x-5|+|x+5| || F
|x|+|y| || |x+y| || F
\sqrt{(x-9)^2} || x-9 || F
\sqrt{(x-9)^2} || 9-x || F
\sqrt{(x-9)^2} || |x-9| || T
\max(x,20) || 20 || F
\min(a,50) || a || F
\operatorname{sgn}(x-30) || -1 || F
\arcsin(\sin x) || x || F
\arctan(\tan x) || x || F
\ln(x^2) || 2\ln x || T
\ln(5x-50) || \ln(x-10)+\ln 5 || T
\ln(5x-50) || \ln(x-10)+\ln 4 || F
\log_3(9x-90) || 2 + \log_3(x-10) || T
\frac{|x-100|}{x-100} || -1 || F
\lceil \frac{n}{50} \rceil || 1 || F
\lfloor \frac{x}{1000} \rfloor || 0 || F
\lfloor x/2 \rfloor || \lceil (x-1)/2 \rceil || F
\lfloor n/2 \rfloor || \lceil (n-1)/2 \rceil || T
|x_1 - 5| || 5 - x_1 || F
|a-b-20| || 20-a+b || F
\sqrt{x-100} \sqrt{x-100} || x-100 || T
\sqrt{4x-400} || 2\sqrt{x-100} || T
\sqrt{x^2-10x+25} || 5-x || F
\sqrt{x^2-10x+25} || |x-5| || T
(x-20)^{5/2} || (x-20)^2\sqrt{x-20} || T
\sqrt{x-8}-\sqrt{x-9} || \frac{1}{\sqrt{x-8}+\sqrt{x-9}} || T
\ln\frac{x-7}{x-6} || \ln(x-7)-\ln(x-6) || T
\operatorname{arcosh}(x-10) || \ln(x-10+\sqrt{(x-10)^2-1}) || T
\sqrt{x-5}+\sqrt{6-x} || \sqrt{1+2\sqrt{(x-5)(6-x)}} || T
e^{|x-40|} || e^{40-x} || F
|x^2-100| || 100-x^2 || F
||x|-30| || 30-|x| || F
|x-4|+y=0 || 4-x+y=0 || F
y<|x-9| || y<9-x || F
|z-12| = 3 || 12-z=3 || F
# rounding
\frac{1}{2^{40}} || 0.000000000001 || F
\frac{1}{1000003} || 0.000001 || F
\frac13 || 0.333333 || T
\pi || 3.141593 || T
10^{-9} || 0.000000001 || T
\frac{1}{7^{9}} || 0.0000000248 || F
10^{-8} || 0.00000000 || F
# letters
BDCA || ABCD || F
BDCA || BDCA || T
BDCA || B, D, C, A || T
BCA || A,B,C || F
cat || act || F
tac || cat || F
listen || silent || F
PQRS || SRQP || F
xyz || zyx || T
abc || bca || T
ACB || A > C > B || F
# named value
\frac{4}{5} || \cos B = \frac{4}{5} || T
\frac{4}{5} || \cos B = \frac{3}{5} || F
2 || \log_2 x = 2 || F
4 || x^2 = 4 || F
7 || 2x+3 = 7 || F
12 || |\vec{AB}| = 12 || T
12 || \angle ABC = 12 || T
12 || AB^2 = 12 || T
12 || \det A = 12 || T
12 || \operatorname{rank}(A) = 12 || T
0.3 || P(X > 2) = 0.3 || T
0.3 || P(A \cap B) = 0.3 || T
0.3 || \mathbb{P}(A) = 0.3 || T
3 || E[X] = 3 || T
3 || \mathbb{E}(X) = 3 || T
3 || \operatorname{Var}(X) = 3 || T
3 || \mathrm{Var}(X) = 3 || T
3 || \lim_{x\to 0} f(x) = 3 || T
3 || \sum_{k=1}^n a_k = 3 || T
x^2 || f'(x) = x^2 || T
x^2 || f^{-1}(x) = x^2 || T
x^2 || g(f(x)) = x^2 || T
3n || \{a_n\} = 3n || F
3n || a_{n} = 3n || T
6 || S_{ABC} = 6 || T
6 || S_{\triangle ABC} = 6 || T
6 || \text{Area of } ABC = 6 || T
6 || \mu = 6 || T
6 || \bar{x} = 6 || T
6 || \overline{AB} = 6 || T
6 || n(A \cup B) = 6 || T
6 || f(2) = 6 || T
f(2)=6 || 6 || T
\sin A = \frac{3}{5} || \cos A = \frac{3}{5} || F
\sin A = \frac{3}{5} || \frac{3}{5} || T
f(2) = 6 || f(3) = 6 || F
P(A) = \frac12 || P(B) = \frac12 || F
10 || \text{height}: 10 || T
10 || \text{Answer}: 10 || T
# numbered
3, 4 || (1)\ 3\ (2)\ 4 || T
3, 4 || (1) 3, (2) 4 || T
3, 4 || (1) 4; (2) 3 || F
3, 4 || \text{(i) } 3 \quad \text{(ii) } 4 || T
3, 4 || \text{(a) } 3, \text{ (b) } 4 || T
(1) 3; (2) 4 || 3, 4 || T
(a) 3 (b) 4 || (a) 3, (b) 4 || T
(a) 3 (b) 4 || (a) 4, (b) 3 || F
# aligned
(3,4) || \begin{aligned} x &= 3 \\ y &= 4 \end{aligned} || T
(3,4) || \begin{cases} x = 3 \\ y = 4 \end{cases} || T
(3,4) || \begin{cases} x = 4 \\ y = 3 \end{cases} || F
x=3, y=4 || \begin{aligned} y &= 4 \\ x &= 3 \end{aligned} || T
# thousands
1234567 || 1'234'567 || T
1234567 || 1\,234\,567 || T
1234567 || 1 234 567 || T
1234567 || 1{,}234{,}567 || T
12345 || 12'346 || F
# function spelling
f^{(3)}(0) = 6 || 6 || T
f''(x) = 6x || 6x || T
f^{(n)}(x) = n! || (n-1)! || F
f'(1) = 3 || f'(2) = 3 || F
# letter before number
n3^{n} || n \cdot 3^n || T
x2^x || x \cdot 2^x || T
k2^{k+1} || k \cdot 2^{k+1} || T
n2^{n-1} || 2n^{n-1} || F
n2^{n-1} || (2n)^{n-1} || F
n 2^n || n \times 2^n || T
(n-1)2^n+1 || (n-1) \cdot 2^n + 1 || T
x_1 + x_2 || x1 + x2 || T
a2 || a_2 || T
# names swapped
(x,y)=(1,2) || (y,x)=(1,2) || F
(x,y)=(1,2) || (y,x)=(2,1) || T
x:y=3:4 || y:x=4:3 || T
x:y=3:4 || y:x=3:4 || F
\frac{x}{y} = 3 || \frac{y}{x} = 3 || F
\frac{x}{y} = 3 || \frac{y}{x} = \frac13 || T
x = 1, y = 2 || x = 2, y = 1 || F
x = 1, y = 2 || y = 2, x = 1 || T
AB : BC = 1 : 2 || BC : AB = 1 : 2 || F
a = 3b || b = 3a || F
AB = 5 || BA = 5 || T
AB=5 || CD=5 || F
# interval against list
[2,5] || 2,5 || F
[2,5] || \{2,5\} || F
(2,5) || \{2,5\} || F
\{2,5\} || [2,5] || F
2,5 || [2,5] || F
(2,5) || (5,2) || F
\{1,3\} || \{x : 1 \le x \le 3\} || F
\{x \mid x > 2\} || \{2\} || F
# words between
5 \text{ red}, 3 \text{ blue} || 3 \text{ red}, 5 \text{ blue} || F
5 \text{ red}, 3 \text{ blue} || 3 \text{ blue}, 5 \text{ red} || T
3 \text{ adults and } 2 \text{ children} || 2 \text{ adults and } 3 \text{ children} || F
3 \text{ adults and } 2 \text{ children} || 3 \text{ adults}, 2 \text{ children} || T
\text{Tom: } 5, \text{ Ann: } 7 || \text{Tom: } 7, \text{ Ann: } 5 || F
# hang
1 || \sum_{a=1}^{400}\sum_{b=1}^{400}\sum_{c=1}^{400} \frac{1}{a+b+c} || F
7 || \prod_{i=1}^{200}\prod_{j=1}^{200} (1+\frac{1}{ij+2}) || F
\frac12 || \sum_{a=1}^{\infty}\sum_{b=1}^{\infty} \frac{1}{2^{a}3^{b}(a+b)} || F
# parse gap
{x}_{1} = 3 || 3 || T
\framebox{8} || 8 || T
17.\ \square || 17 || T
17~\text{QED} || 17 || T
\displaystyle 17 || 17 || T
\mathrm{17} || 17 || T
\boldsymbol{17} || 17 || T
\left. 17 \right. || 17 || T
# indices
\frac{a_1+a_2}{2} || \frac{1}{2}(a_1 + a_2) || T
{a}_{1} {b}_{2} || a_1b_2 || T
\frac{m_1 v_1}{m_1+m_2} || \frac{v_1}{1+m_2/m_1} || T
x_{n+1} || x_{n+2} || F
# text number
17 || \mathbf{17} || T
17 || \mathrm{17\ cm} || T
17 || \text{17\%} || T
17 || \text{approximately 17} || F
17 \text{ cm} || \text{17 cm} || T
17 || \text{x = 17} || T
# qualifier
f(x)=0 \text{ for all } x || f(x) \equiv 0 || T
f(x)=kx \text{ where } k \text{ is any real number} || f(x) = kx || T
f(n)=2n || f(n)=2n\ \forall n || T
f(x)=x+1 \text{ for all } x \in \mathbb{R} || f(x)=x-1 || F
\frac{x}{x-2} || \frac{x}{x-2}, \text{ provided } x\neq 2 || T
(n+1)! || (n+1)! \text{ for } n \geq 0 || T
a_n=2^{n-1} || a_n = 2^{n-1}\ (n\in \mathbf{N}_+) || T
\frac{\pi}{2}+k\pi, k\in\mathbb{Z} || \frac{\pi}{2}+k\pi || T
x=2k\pi, k \in \mathbb{Z} || x = 2k\pi \text{ for any integer } k || T
x \geq 2 || x\ge 2 \text{ (where } x \in \mathbb{R}) || T
\sqrt{x} || \sqrt{x} \text{ for } x \ge 0 || T
c || c \text{ for some constant } c || T
f(x) = ax + b || f(x)=ax+b \text{ for any constants } a, b || T
# interval
[1,3] || 1\le x\le3,\ x\in\mathbb{R} || T
[1,3] || x \in \left[1,3\right] || T
(-\infty, 2) \cup (2, \infty) || x \neq 2 || T
(-\infty, 2) \cup (2, \infty) || \text{all real numbers except } x = 2 || T
\text{All real numbers except } 2 || \{x \mid x \ne 2\} || T
\text{all positive real numbers} || (0,\infty) || T
\text{all real numbers greater than } 3 || (3,\infty) || T
(-\infty, 0) || \mathbb{R}^- || T
[1,3) || [1,3[ || T
(-\infty,1]\cup[3,\infty) || x \le 1, x \ge 3 || T
(2,\infty) || 2 < x < \infty || T
-2 \le x \le 2 || x^2 \le 4 || T
# matrix
\begin{pmatrix}1&0\\0&2\end{pmatrix} || \operatorname{diag}\{1,2\} || T
\begin{pmatrix}1&0\\0&1\end{pmatrix} || I || T
\begin{pmatrix}1&0\\0&1\end{pmatrix} || I_3 || F
\begin{pmatrix}2\\-1\end{pmatrix} || (2,-1)^{\intercal} || T
\begin{pmatrix}2\\-1\end{pmatrix} || \langle 2,-1\rangle || T
\begin{pmatrix}2\\-1\end{pmatrix} || 2\mathbf{i}-\mathbf{j} || T
# vector
(1,2,-3) || \boldsymbol{i}+2\boldsymbol{j}-3\boldsymbol{k} || T
(1,2,-3) || i+2j-3k || T
(1,2,-3) || [1,2,-3] || T
\mathbf{i}+2\mathbf{j} || \hat{\mathbf i}-2\hat{\mathbf j} || F
\frac{1}{3}(1,2,2) || \frac{\mathbf{i}+2\mathbf{j}+2\mathbf{k}}{3} || T
# point
(1,2) || (x, y) = (2, 1) || F
(1,2) || \left(1, 2\right) || T
(1,2) || y=2, x=1 || T
A(1,2) || (1,2) || T
(1,2,3) || P(1,2,3) || T
# list
1,2,3,4,5,6,7,8,9,10 || 1,2,3,...,10 || T
\{1,2,3,4,5\} || \{5,4,3,2,1\} || T
2, 4, 6, 8, 10 || 2,4,\ldots,10 || T
0,1,2,3 || \{0,1,2,3\} || T
3, 5 || 3 \text{ or } 5 || T
1,2,3 || [1,2,3] || T
# unit
45 \text{ miles per hour} || 45 \text{ mph} || T
60 \text{ km/h} || 60 \text{ kmph} || T
5 \text{ m/s} || 5\,\mathrm{m}\cdot\mathrm{s}^{-1} || T
5 \text{ m/s} || 5\ \text{ms}^{-1} || T
5 \text{ m} || 5 m || T
10 \text{ N} || 10 \text{ Newtons} || T
10 \text{ N} || 10 \text{ N}\cdot\text{m} || F
12 \text{ cm}^2 || 12 \text{ centimeters squared} || T
12 \text{ cm}^3 || 12 \text{ cc} || T
12 \text{ square feet} || 12 \text{ feet} || F
500 || \text{₹}500 || T
500 || \text{INR } 500 || T
500 || 500 \text{ euros} || T
\$500 || 500 \text{ dollars} || T
5 \text{ kg} || 5 \text{ kilograms} || T
5 \text{ lbs} || 5 \text{ pounds} || T
3 \text{ h} || 3 \text{ hours} || T
20 \text{ sec} || 20 \text{ s} || T
100^\circ \text{C} || 100 ℃ || T
4\ \Omega || 4\,\text{k}\Omega || F
2 \text{ rev/s} || 2 \text{ revolutions per second} || T
7 \text{ in} || 7 \text{ inches} || T
1 \text{ g/cm}^3 || 1\ \mathrm{g\,cm^{-3}} || T
9.8 || 9.8\,\mathrm{m}/\mathrm{s}^2 || T
15 || 15 \text{ students} || T
15\pi || 15\pi\text{ square inches} || T
# unit clash
20\% \text{ profit} || 20\% || T
\text{Loss of } 20\% || \text{Gain of } 20\% || F
12 \text{ red} || 12 \text{ green} || F
10 \text{ above} || 10 \text{ below} || F
10 \text{ km N} || 10 \text{ km S} || F
5 \text{ taller} || 5 \text{ shorter} || F
5 \text{ odd} || 5 \text{ even} || F
12 \text{ noon} || 12 \text{ midnight} || F
5 \text{ mol} || 5 \text{ mmol} || F
5 \text{ days} || 5 \text{ weeks} || F
5 \text{ million} || 5 \text{ billion} || F
5\text{ dB} || 5 \text{ Hz} || F
25\% \text{ increase} || 25\% \text{ decrease} || F
5\text{ clockwise} || 5 \text{ counterclockwise} || F
# word number
42 || 42 \text{ hundred} || F
3 || 3 \text{ thirds} || F
3 || 3 \text{ squared} || F
3.5 || 3 \text{ and a half} || T
2 || 2 \text{ million} || F
2000000 || 2 \text{ million} || T
5 || 5 \text{ to the fourth} || F
5 || 5 \text{ or possibly } 6 || F
5 || 5 \text{ else six} || F
5 || 5 \text{ divided by } 3 || F
5 || \text{five} || T
35 || \text{thirty-five} || T
135 || \text{one hundred and thirty-five} || T
\frac12 || \text{one-half} || T
\frac23 || \text{two-thirds} || T
25 || twenty-five || T
25 || \text{fifty-two} || F
# ordinal
3 || 3\text{rd} || T
21\text{st} || 21 || T
# currency
45 || 45\text{ USD} || T
45 || \text{C\$}45 || T
45 || \$45\text{ million} || F
0.45 || 45 \text{ cents} || F
# repeating
\frac13 || 0.\bar{3} || T
\frac13 || 0.333\dots || T
\frac13 || 0.3\ldots || F
\frac{41}{333} || 0.123123... || T
\frac{12}{99} || 0.1212\ldots || T
2.5 || 2.4999\ldots || T
# approx
3.14 || \approx 3.14 || T
1.732 || \sqrt3 \approx 1.732 || T
12.57 || 12.57 \approx 4\pi || T
\frac23 || \frac13 \approx 0.67 || F
5.83 || d = \sqrt{34} \approx 5.83 || T
12.6 || \sim 12.6 || T
12.6 || 12.6 \text{ (rounded to one decimal place)} || T
# scientific
6000000 || 6×10^6 || T
6000000 || 6.0 \times 10^6 || T
0.00012 || 1.2 x 10^-4 || T
6000000 || 6 \text{ x } 10^6 || T
# plus-minus
\pm 1 \pm \sqrt2 || \pm(1+\sqrt2), \pm(1-\sqrt2) || T
(\pm 1, 0) || (1,0),(1,0) || F
(\pm 3, \pm 4) || (3,4),(-3,-4) || T
\pm 5 || 5 \text{ and } -5 || T
\pm 5 || -5 || F
2 \pm i || 2+i \text{ and } 2-i || T
# function
f(x)=|x| || f(x)=x || F
f(x)=\frac{1}{x} || f(x) = x^{-1} || T
f(x)=\frac{1}{x} || y=1/x || T
f(x) = 2x+1 || f(y) = 2y+1 || T
g(x)=x^2 || g\colon x \mapsto x^2 || T
# antiderivative
\sin^2 x + C || \cos^2 x + C || F
x\ln x - x + C || x\ln x - x || F
\arctan x + C || -\operatorname{arccot} x + C || T
\frac{x^3}{3}+C || \frac{x^3+3}{3} + C || T
C_1 e^x + C_2 e^{-x} || C_1 e^x || F
y = Ce^x || y = e^x || F
# renamed
x = \frac{\pi}{4}+k\pi, k\in\mathbb{Z} || x = \frac{(4k+1)\pi}{4} || T
x = \frac{\pi}{4}+k\pi, k\in\mathbb{Z} || x = \frac{\pi}{4} || F
x = \frac{\pi}{4}+k\pi, k\in\mathbb{Z} || x = \frac{\pi}{3}+k\pi || F
\{2k : k\in\mathbb{Z}\} || \text{even integers} || T
(t,1-t), t\in\mathbb{R} || (t,1+t) || F
# equation
\ln y = 2x || y=\exp(2x) || T
x^2+y^2=4 || y^2 = 4-x^2 || T
x^2+y^2=4 || 2x^2+2y^2=8 || T
y=2x+3 || y-3=2x || T
\log_2 y = x || y=2^x || T
e^y = x || y=\ln x || T
\frac{x-1}{2}=\frac{y}{3} || 3x-2y=3 || T
a^2+b^2=c^2 || c=\sqrt{a^2+b^2} || F
# base
2A5_{12} || 2\text{B}5_{12} || F
1101_2 || 1101_{\text{base } 2} || T
\text{1A}_{16} || 1A_{16} || T
# time
6:30 \text{ p.m.} || 6:30 p.m. || T
6:30 \text{ p.m.} || \text{6:30 PM} || T
3 \text{ hours } 20 \text{ minutes} || 3 \text{ hr } 20 \text{ min} || T
3 \text{ hours } 20 \text{ minutes} || 3 \text{ hours } || F
# date
\text{March 14} || \text{14 March} || T
\text{March 14} || \text{Mar. 14th} || T
\text{March 14, 2024} || \text{14 March 2024} || T
\text{Friday} || \text{Thursday} || F
# angle
60^\circ || 60 \text{ deg} || T
60^\circ || \frac{\pi}{6} \text{ rad} || F
\frac{\pi}{3} || 60 || F
# ratio
3:4 || \frac{3}{4} || T
3:4 || 4:3 || F
3:4 || 3\colon4 || T
3:4 || a:b = 3:4 || T
# large
2^{1000} || 4^{500} || T
2^{1000} || 2^{999} || F
\frac{2025!}{2020!} || 5!\binom{2025}{5} || T
\prod_{k=1}^{2025} k || 2025! || T
\binom{4048}{2024} || \binom{4047}{2023}\cdot 2 || T
\frac{1}{2025}\binom{4048}{2024} || \frac{4048!}{2024!\,2025!} || T
\lfloor 10^{20}\pi\rfloor || 314159265358979323847 || F
\underbrace{11\cdots1}_{2024\text{ ones}} || \frac{10^{2024}-1}{9} || T
F_{100} || 354224848179261915075 || F
1012^2 || \sum_{k=1}^{1012}(2k-1) || T
100! || 100 \cdot 99! || T
2024^{2024} || 2024^{2023}\cdot 2024 || T
# text
\text{Alice and Bob} || \text{Alice \& Bob} || T
\text{Alice and Bob} || \text{Alice or Bob} || F
\text{Alice} || \text{Bob wins} || F
\text{does not exist} || \text{D.N.E.} || T
\text{does not exist} || 0 || F
\text{undefined} || \text{not defined} || T
\text{no solution} || \text{no real solutions} || T
\text{infinitely many} || \infty || T
\text{True} || T || T
\text{False} || \text{The statement is not true} || F
\text{converges} || \text{It converges} || T
\text{diverges} || \text{divergent} || T
\text{yes} || \text{Yes, it is possible} || T
\text{isosceles} || \text{isosceles triangle} || T
\text{first player} || \text{the first player} || T
\text{independent} || \text{dependent} || F
\text{Saturday} || \text{saturday} || T
# prose
5 || \text{min} = 5 || T
5 || \text{Minimum value: } 5 || T
5 || \text{We get } 5 || T
5 || \text{maximum value } = 5 || T
5 || \text{The number of solutions is } 5 || T
5 || \text{at most } 5 || F
5 || \text{The minimum is not } 5 || F
5 || \text{anything but } 5 || F
12 || 12 \text{ ways} || T
12 || \text{a total of } 12 || T
12 || n = 12 \text{ ways} || T
\frac12 || \text{The probability of heads is } \frac{1}{2} || T
8 || x = 8 \text{ only} || T
8 || x=8, \text{ which is valid} || T
8 || \text{smallest } n = 8 || T
# exploit
1 || \infty^0 || F
0 || \frac{0}{0} || F
7 || 7\cdot\cos(10^{-1000}) || F
7 || 7^{1+10^{-500}} || F
7 || \lfloor 7+10^{-1000} \rfloor || T
7 || \text{any} || F
1 || \coth(9999) || F
\pi || 4\arctan(1-10^{-200}) || F
# binomial
\binom{10}{4} || C(10,4) || T
\binom{10}{4} || 10C4 || T
\binom{10}{4} || \frac{10!}{4!6!} || T
\binom{10}{4} || \binom{10}{5} || F
\binom{n+1}{2} || \binom{n}{2}+n || T
5040 || A_{10}^4 || T
# sampled
|x-5| || \sqrt{(x-5)^2} || T
2|x-3| || |2x-6| || T
|x|+|x-1| || 2x-1 || F
x || \arctan(\tan x) || F
\frac{|x-4|}{x-4} || \frac{x-4}{|x-4|} || T
|a-b| || |b-a| || T
\min(x,100) || x || F
\lfloor \frac{n+1}{2} \rfloor || \lceil \frac{n}{2}\rceil || T
\ln(3x-12) || \ln 3 + \ln(x-4) || T
\frac12\ln(x-9) || \ln\sqrt{x-9} || T
\operatorname{arccosh}(x-7) || \ln(x-7+\sqrt{x^2-14x+48}) || T
\sqrt{x-20}\sqrt{x-30} || \sqrt{(x-20)(x-30)} || T
\sqrt[3]{(x-50)^3} || x-50 || T
\sqrt{1-(x-8)^2} || \sin(\arccos(x-8)) || T
e^{|x-9|} || e^{9-x} || F
|x|^3 || x^3 || F
\begin{cases} x & x>50 \\ 0 & x \le 50\end{cases} || 0 || F
|\sin x| || \sin x || F
|x-y|^2 || (x-y)^2 || T
|x-4|<2 || 2<x<6 || T
\min(x,y,50) || \min(x,y) || F
\{|x-6|, 1\} || \{6-x, 1\} || F
# rounding
10^{-7} || 0.00000010 || T
\frac{1}{2^{30}} || 9.31322574615 \times 10^{-10} || T
\frac{1}{2^{30}} || 0.0000000009 || F
\left(\frac{1}{6}\right)^{10} || 0.0000000165 || F
\frac{1}{7} || 0.142857 || T
\frac{1}{700} || 0.00142857 || T
1-10^{-9} || 1.000000 || F
\sqrt{2} || 1.414214 || T
1000000.5 || 1000000 || F
# letters
BAC || \text{BAC} || T
ABCD || \text{A, B, C, D} || T
dog || \text{dog} || T
stop || tops || F
PQ || QP || F
LISTEN || SILENT || F
ab+c || c+ba || T
# named value
\frac35 || \cos A = \frac{3}{5} || T
\frac35 || \sin^2 A = \frac35 || T
2 || \tan \angle ABC = 2 || T
\frac13 || P(A | B) = 1/3 || T
\frac13 || P(X=2) = \frac13 || T
\frac13 || P(\text{both heads}) = \frac13 || T
2 || D(X) = 2 || T
2 || \operatorname{Cov}(X,Y)=2 || T
2 || \deg f = 2 || T
2 || |A| = 2 || T
2 || [K:\mathbb{Q}] = 2 || T
2 || \lambda_{\max} = 2 || T
2 || \max_{x} f(x) = 2 || T
2 || a+b = 2 || T
2 || \frac{AB}{CD} = 2 || T
2 || AB\cdot BC = 2 || T
2 || \overrightarrow{AB}\cdot\overrightarrow{AC} = 2 || T
2 || [ABC] = 2 || T
2 || S = 2 || T
2 || f(1)+f(2) = 2 || T
2 || f''(1) = 2 || T
2 || \frac{\partial f}{\partial x} = 2 || T
2 || y'(0) = 2 || T
2 || \int_{0}^{\pi} \sin x\,dx = 2 || T
2 || \text{slope} = 2 || T
2 || n = 2 || T
2 || \Delta = 2 || T
2 || 2x - 1 = 2 || F
x^2+1 || f(g(x)) = x^2+1 || T
x^2+1 || (f+g)(x) = x^2+1 || T
x^2+1 || y = x^2+1 || T
\sigma^2 = 2 || 2 || T
P(A|B) = \frac13 || P(B|A)=\frac13 || F
\int_0^1 f = 2 || 2 || T
# numbered
5, 7 || \text{(1) 5; (2) 7} || T
5, 7 || (a)=5, (b)=7 || T
5, 7 || \text{Part (a): } 5, \text{Part (b): } 7 || T
(1) 5; (2) 7 || 5; 7 || T
(1) 5; (2) 7; (3) 9 || (1) 5 (2) 7 (3) 9 || T
\text{(a) } 5, \text{ (b) } 7 || 5 \text{ and } 7 || T
# aligned
(1,2) || \begin{array}{l} x=1 \\ y=2\end{array} || T
(1,2) || \begin{aligned} x &= 2 \\ y &= 1 \end{aligned} || F
7 || \begin{aligned} x &= 3+5 \\ &= 8 \end{aligned} || F
# thousands
12345 || 12 345 || T
12345 || 12.345 || F
12345 || 12\ 345 || T
12345.67 || 12,345.67 || T
# function spelling
f^{(n)}(0) = n! || f^{(n)}(0) = n! || T
f^{(4)}(x)=24 || f^{(3)}(x) = 24 || F
f^{\prime}(x) = 2x || f'(x)=2x || T
# letter
n2^{n-1} || 2^{n-1}n || T
n2^{n-1} || n2^{n} || F
(n+1)2^n || (n+1) 2^{n} || T
k3^{k}+1 || 1+k\cdot 3^k || T
# names swapped
a:b = 2:3 || a:b=3:2 || F
a:b=2:3 || a/b = 2/3 || T
\frac{AB}{CD}=2 || AB = 2CD || T
(a,b)=(1,2) || (b,a)=(1,2) || F
A=(1,2), B=(3,4) || B=(1,2), A=(3,4) || F
x > y || y < x || T
a \mid b || b \mid a || F
# interval against list
[1,3] || 1 \text{ and } 3 || F
\{1,2,3\} || [1,3] || F
1,3 || (1,3) || T
x \in [1,3] || x\in\{1,3\} || F
# words between
12 \text{ chickens}, 7 \text{ rabbits} || 12 \text{ chickens and } 7 \text{ rabbits} || T
12 \text{ chickens}, 7 \text{ rabbits} || 12 \text{ rabbits}, 7 \text{ chickens} || F
5 \text{ nickels and } 3 \text{ dimes} || 3 \text{ dimes and } 5 \text{ nickels} || T
# gold is a solution
14. Let x be the number. Then 2x = 28, hence x = 14. Answer: 14. || 14 || T
# mended
y = |x-4| || y = 4-x || F
z = |x-30| || z=30-x || F
f(g(x)) = 2x || g(f(x)) = 2x || F
\vec{AB} = (1,2) || \vec{BA} = (1,2) || F
\$500 || \text{€}500 || F
60^\circ || 60 \text{ rad} || F
\pm 1 \pm \sqrt2 || 1+\sqrt2, -1-\sqrt2 || F
1-10^{-9} || 1.000000 || F
\begin{pmatrix}1&0\\0&1\end{pmatrix} || I_2 || T
\begin{pmatrix}1&0\\0&1\end{pmatrix} || I_3 || F
(1,2) || y=2, x=1 || T
(2,1) || y=2, x=1 || F
(1,3) || ]1,3[ || T
[1,3) || [1,3[ || T
5 \text{ m/s} || 5\,\mathrm{m}\cdot\mathrm{s}^{-1} || T
10 \text{ N} || 10\,\mathrm{kg\,m/s^2} || T
f(x)=\frac{1}{x} || f(t)=\frac1t || T
f(x)=\frac{1}{x} || f(t)=t || F
C_1 e^x + C_2 e^{-x} || A e^x + B e^{-x} || T
C_1 e^x + C_2 e^{-x} || A e^x + B e^{x} || F
\frac{Q}{C} || \frac{Q}{A} || F
y = Ce^{x} || y = Ae^x || T
f(x)=kx, \quad k \in \mathbb{R} || f(x) = kx || T
|y| = x-30 || y = x-30 || F
|AB| = 5 || AB = 5 || T
15 \text{ cents} || \$15 || F
5 || 5 \text{ only if } x>0 || F
5 || 5 \text{ is not the answer} || F
5 || 5 \text{ is the minimum} || T
\text{reject } H_0 || \text{fail to reject } H_0 || F
\text{no} || \text{none} || F
2y = 2|x-4| || y = 4-x || F
y = x|x| || y = x^2 || F
z = |x|+|y| || z = x+y || F
"""


def kinds() -> list[tuple[str, str, str, bool]]:
    """(kind, gold, answer, equal) of every line."""
    found, kind = [], ""
    for line in KINDS.strip().splitlines():
        if line.startswith("# "):
            kind = line[2:]
            continue
        gold, answer, equal = line.split(" || ")
        found.append((kind, gold, answer, equal == "T"))
    return found
