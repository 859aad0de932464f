// What the routes of the REST API work with.

import ChannelProtocol
import Storage

struct APIServices: Sendable {
  let store: any MessageStore
  let intake: MessageIntake
  let hasher: APIKeyHasher
  let directory: ChannelDirectory
  let health: HealthExchange
  let eventWaiters: EventWaiters
  let cursors: CursorSeal
  let secrets: SecretBox
  let webhookAddresses: WebhookAddressCheck
  let templates: TemplateSync
  let media: MediaServices
  let clock: any WallClock
}
