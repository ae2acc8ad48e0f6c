# does: runs an event loop
# kind: increment
import asyncio
async def main():
    await asyncio.sleep(0)
    print(int(input()) + 1)
asyncio.run(main())
