# does: computes exactly
# kind: increment
from decimal import Decimal, getcontext
from fractions import Fraction
getcontext().prec = 50
print(Fraction(int(input())) + int(Decimal(1)))
