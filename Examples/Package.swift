// swift-tools-version: 6.2

// Examples: what others build on Fractal, as they would build it. One package for all of them, so that one build
// serves; an example is a folder with its targets below.

import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

/// A product of Fractal's.
func fractal(_ product: String) -> Target.Dependency { .product(name: product, package: "fractal") }

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "fractal-examples",
  platforms: [.macOS(.v15)],
  dependencies: [
    // Named, because the folder of a clone may be called anything.
    .package(name: "fractal", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
  ],
  targets: [
    // A channel of a provider that has nothing of Twilio's (docs/adding-a-channel.md), and a gateway with it.
    .target(
      name: "ChannelPostbox", dependencies: [fractal("ChannelProtocol"), crypto, httpTypes],
      path: "Postbox/Channel", swiftSettings: strict),
    .executableTarget(
      name: "postbox-gateway",
      dependencies: ["ChannelPostbox", fractal("Gateway"), fractal("Channels"), fractal("Sinks")],
      path: "Postbox/Program", swiftSettings: strict),
    .testTarget(
      name: "ChannelPostboxTests",
      dependencies: [
        "ChannelPostbox", fractal("ChannelProtocol"), fractal("Gateway"), fractal("GatewayTesting"), fractal("Sinks"),
        crypto, httpTypes, log, hummingbird, httpClient, nio, nioHTTP1,
      ],
      path: "Postbox/Tests", swiftSettings: strict),

    // A sink of one's own (docs/adding-a-sink.md), and a gateway with it.
    .target(
      name: "FileSink", dependencies: [fractal("ChannelProtocol"), fractal("Sinks"), log],
      path: "FileSink/Sink", swiftSettings: strict),
    .executableTarget(
      name: "file-sink-gateway",
      dependencies: ["FileSink", fractal("Gateway"), fractal("Channels"), fractal("Sinks")],
      path: "FileSink/Program", swiftSettings: strict),
    .testTarget(
      name: "FileSinkTests", dependencies: ["FileSink", fractal("GatewayTesting"), fractal("Sinks")],
      path: "FileSink/Tests", swiftSettings: strict),

    // A server on the target SocketIO alone, for any Engine.IO or Socket.IO client and protocol suite.
    .executableTarget(
      name: "socketio-echo", dependencies: [fractal("SocketIO"), arguments, hummingbird, nio], path: "SocketIOEcho",
      swiftSettings: strict),
  ]
)
