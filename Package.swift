// swift-tools-version: 6.2

// The map of the house. A target may import only what stands above it in this file;
// `Tests/ArchitectureTests` holds the sources to that.

import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let collections = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1 = Target.Dependency.product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "fractal",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "fractal", targets: ["fractal"]),
    .library(name: "ChannelProtocol", targets: ["ChannelProtocol"]),
    .library(name: "Twilio", targets: ["Twilio"]),
    .library(name: "Gateway", targets: ["Gateway"]),
    .library(name: "Channels", targets: ["ChannelSMS", "ChannelWhatsApp", "ChannelRCS", "ChannelMessenger"]),
    .library(name: "Sinks", targets: ["Sinks"]),
    .library(name: "GatewayTesting", targets: ["GatewayTesting"]),
    .library(name: "SocketIO", targets: ["SocketIO"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // The vocabulary: messages, addresses, events, the adapter protocol and the seams.
    .target(name: "ChannelProtocol", dependencies: [log, httpTypes], swiftSettings: strict),

    // What all Twilio channels share: signature, form fields, REST client, error codes.
    .target(name: "Twilio", dependencies: ["ChannelProtocol", crypto, log, httpTypes], swiftSettings: strict),

    // One folder per channel family.
    .target(name: "ChannelSMS", dependencies: ["ChannelProtocol", "Twilio"], swiftSettings: strict),
    .target(name: "ChannelWhatsApp", dependencies: ["ChannelProtocol", "Twilio"], swiftSettings: strict),
    .target(name: "ChannelRCS", dependencies: ["ChannelProtocol", "Twilio"], swiftSettings: strict),
    .target(name: "ChannelMessenger", dependencies: ["ChannelProtocol", "Twilio"], swiftSettings: strict),

    // Engine.IO 4 and Socket.IO 5, server side. Knows nothing of messages.
    .target(
      name: "SocketIO", dependencies: [nio, nioHTTP1, nioWebSocket, nioHTTPTypes, httpTypes, crypto],
      swiftSettings: strict),

    // Where events go: realtime, webhooks, log.
    .target(
      name: "Sinks",
      dependencies: [
        "ChannelProtocol", "SocketIO", crypto, log, metrics, collections, httpTypes,
        nio, nioPosix, nioHTTP1, nioWebSocket, nioTLS, nioHTTPTypes, lifecycle,
      ],
      swiftSettings: strict),

    // PostgreSQL through libpq. Knows nothing of messages.
    .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .target(name: "Postgres", dependencies: ["CLibpq", log, metrics, collections], swiftSettings: strict),

    // The message store and its migrations.
    .target(
      name: "Storage", dependencies: ["ChannelProtocol", "Postgres", log, metrics, collections], swiftSettings: strict),

    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    // The engine: configuration, ingest, sender, dispatcher, REST, lifecycle, command line.
    .target(
      name: "Gateway",
      dependencies: [
        "ChannelProtocol", "SocketIO", "Sinks", "Postgres", "Storage", "Twilio", "TwilioSandbox", "CZlib",
        hummingbird, hummingbirdCore, httpClient, crypto, log, metrics, collections, httpTypes, lifecycle, signals,
        yams,
        arguments,
        nio, nioPosix, nioHTTP1, nioWebSocket, nioHTTPTypes, nioHTTPTypesHTTP1,
      ],
      swiftSettings: strict),

    // A local Twilio. Shares no code with `Twilio`, so that neither can hide the other's mistake.
    .target(
      name: "TwilioSandbox",
      dependencies: [hummingbird, httpClient, crypto, log, httpTypes, lifecycle, nio, collections],
      swiftSettings: strict),

    // The executable: a list of channels and sinks.
    .executableTarget(
      name: "fractal",
      dependencies: ["Gateway", "ChannelSMS", "ChannelWhatsApp", "ChannelRCS", "ChannelMessenger", "Sinks"],
      swiftSettings: strict),

    // Conformance suites, scripted transport, manual clock, throw-away PostgreSQL.
    .target(
      name: "GatewayTesting",
      dependencies: ["ChannelProtocol", "Sinks", "Gateway", "Postgres", "Storage", log, httpTypes],
      swiftSettings: strict),

    // Tests. Each suite stands beside the target it is named after.
    .testTarget(
      name: "ArchitectureTests", dependencies: [], swiftSettings: strict),
    .testTarget(
      name: "ChannelProtocolTests", dependencies: ["ChannelProtocol", "GatewayTesting"], swiftSettings: strict),
    .testTarget(
      name: "TwilioTests", dependencies: ["Twilio", "ChannelProtocol", crypto, log, httpTypes], swiftSettings: strict),
    .testTarget(
      name: "ChannelTests",
      dependencies: [
        "ChannelSMS", "ChannelWhatsApp", "ChannelRCS", "ChannelMessenger", "Twilio", "ChannelProtocol",
        "GatewayTesting", crypto, log, httpTypes,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "SocketIOTests", dependencies: ["SocketIO", nio, nioHTTPTypes, nioWebSocket, httpTypes],
      swiftSettings: strict),
    .testTarget(
      name: "SinksTests",
      dependencies: [
        "Sinks", "SocketIO", "ChannelProtocol", "GatewayTesting", hummingbird, hummingbirdCore, crypto, log, metrics,
        httpTypes, lifecycle,
        nio, nioEmbedded, nioPosix, nioHTTP1, nioWebSocket, nioTLS, nioHTTPTypes,
      ],
      swiftSettings: strict),
    .testTarget(name: "PostgresTests", dependencies: ["Postgres", log, metrics], swiftSettings: strict),
    .testTarget(
      name: "StorageTests", dependencies: ["Storage", "GatewayTesting", "Postgres", "CLibpq", "ChannelProtocol", log],
      swiftSettings: strict),
    .testTarget(
      name: "GatewayTests",
      dependencies: [
        "Gateway", "GatewayTesting", "ChannelProtocol", "ChannelSMS", "ChannelWhatsApp", "ChannelRCS",
        "ChannelMessenger", "Sinks", "Storage", "Postgres", "TwilioSandbox", httpClient, httpTypes, crypto, yams, log,
        metrics, lifecycle, nio, nioEmbedded, nioPosix, nioHTTP1, nioHTTPTypes,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "TwilioSandboxTests",
      dependencies: ["TwilioSandbox", hummingbird, httpClient, crypto, log, httpTypes, lifecycle, nio],
      swiftSettings: strict),
  ]
)
