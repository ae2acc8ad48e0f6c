# does: prints beyond ASCII
# kind: unicode
print("añ→日本")
