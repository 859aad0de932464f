// What a lane tells the metrics system, per operation.

import Metrics

/// Made once per queue; recording does not allocate.
struct LaneMetrics: Sendable {
  let batchItems: Recorder
  let batchDuration: Timer
  let depth: Gauge
  let retries: Counter
  let splits: Counter
  let expired: Counter
  let refused: Counter

  init(prefix: String, lane: String, operation: String, factory: any MetricsFactory) {
    let dimensions = [("lane", lane), ("operation", operation)]
    batchItems = Recorder(label: "\(prefix)_batch_items", dimensions: dimensions, aggregate: true, factory: factory)
    batchDuration = Timer(label: "\(prefix)_batch_duration", dimensions: dimensions, factory: factory)
    depth = Gauge(label: "\(prefix)_queue_depth", dimensions: dimensions, factory: factory)
    retries = Counter(label: "\(prefix)_retries", dimensions: dimensions, factory: factory)
    splits = Counter(label: "\(prefix)_splits", dimensions: dimensions, factory: factory)
    expired = Counter(label: "\(prefix)_expired_items", dimensions: dimensions, factory: factory)
    refused = Counter(label: "\(prefix)_refused_items", dimensions: dimensions, factory: factory)
  }
}
