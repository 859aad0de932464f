// What the private PostgreSQL takes of the machine's memory.

import Testing

@testable import Gateway

@Suite("The memory of the private PostgreSQL")
struct DatabaseMemoryTests {
  @Test(
    "a quarter of what there is, within PostgreSQL's default and a gigabyte",
    arguments: [(0, 128), (512, 128), (1_024, 256), (2_048, 512), (4_096, 1_024), (65_536, 1_024)] as [(UInt64, UInt64)]
  )
  func share(available: UInt64, buffers: UInt64) {
    #expect(DatabaseMemory.megabytes(of: available << 20) == buffers)
  }

  @Test("the machine's own memory is found, in megabytes")
  func machine() {
    let setting = DatabaseMemory.sharedBuffers
    #expect(setting.hasSuffix("MB") && (128...1_024).contains(Int(setting.dropLast(2)) ?? 0))
  }
}
