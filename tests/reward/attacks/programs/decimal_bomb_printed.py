# tries: to make the comparison of printed decimals expensive
# kind: state
# seen: wrong
print("1e999999999999999999")
