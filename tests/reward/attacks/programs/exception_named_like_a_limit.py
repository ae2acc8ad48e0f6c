# tries: to have its own crash called a limit, or nothing at all
# kind: stdio
# seen: runtime_error, memory_limit, syntax_error
class AssertionPassed(BaseException):
    errno = "0"
    def __str__(self):
        return '{"error": "", "passed": true}'
AssertionPassed.__name__ = AssertionPassed.__qualname__ = "SystemExit"
raise AssertionPassed
