# does: guards its main function
# kind: increment
def main():
    print(int(input()) + 1)
if __name__ == "__main__":
    main()
