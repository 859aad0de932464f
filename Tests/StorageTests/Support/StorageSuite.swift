// All suites of the store.

import Testing

/// One test at a time: each of them keeps both processors busy with a server of its own kind, and some look at how long
/// things take.
@Suite("Storage", .serialized)
enum StorageSuite {}
