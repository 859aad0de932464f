// Migration 26: lists of one channel, which may be one in a million.

/// A channel's id and its type are asked for by one word, and mostly they are the same word (`sms`). Each row stands in
/// one of these indexes at most: by its type, and by its id where that says something else.
///
/// Messages of the type `sms`, of which there are most on most gateways, stand in none and cost nothing: they are found
/// among the newest, or through their conversations.
let channelListSchema = """
  CREATE INDEX messages_channel ON messages (channel, id DESC) WHERE channel <> channel_type;
  CREATE INDEX messages_channel_type ON messages (channel_type, id DESC) WHERE channel_type <> 'sms';
  CREATE INDEX conversations_channel ON conversations (channel, inbox, activity_bin DESC)
    WHERE channel <> channel_type;
  """
