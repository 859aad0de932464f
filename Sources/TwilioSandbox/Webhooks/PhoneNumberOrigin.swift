// Where a phone number is from, as inbound SMS webhooks show it (FromCity, FromCountry, …).

/// City, state, postal code and country of a number; unknown parts are empty, as at Twilio.
struct PhoneNumberOrigin: Sendable, Equatable {
  var city = ""
  var state = ""
  var zip = ""
  var country = ""

  init(_ address: Address) {
    guard address.isE164 else {
      // Short codes belong to a country; the sandbox's are American.
      if address.isShortCode { country = "US" }
      return
    }
    let digits = address.bare.dropFirst()
    if let known = Self.areas.first(where: { digits.hasPrefix($0.prefix) }) {
      (city, state, zip, country) = (known.city, known.state, known.zip, "US")
    } else {
      country = Self.countries.first { digits.hasPrefix($0.prefix) }?.country ?? ""
    }
  }

  /// Fields in Twilio's order are `ToCountry`, `ToState`, …; `side` is `From` or `To`.
  func append(to form: inout FormFields, side: String) {
    form.append(side + "Country", country)
    form.append(side + "State", state)
    form.append(side + "City", city)
    form.append(side + "Zip", zip)
  }

  private static let areas: [(prefix: String, city: String, state: String, zip: String)] = [
    ("1500555", "SAUSALITO", "CA", "94965"), ("1415", "SAN FRANCISCO", "CA", "94103"),
    ("1212", "NEW YORK", "NY", "10001"), ("1312", "CHICAGO", "IL", "60601"), ("1213", "LOS ANGELES", "CA", "90001"),
  ]

  /// Longer codes go first.
  private static let countries: [(prefix: String, country: String)] = [
    ("353", "IE"), ("351", "PT"), ("420", "CZ"), ("972", "IL"), ("971", "AE"), ("1", "US"), ("7", "RU"), ("20", "EG"),
    ("27", "ZA"), ("30", "GR"), ("31", "NL"), ("32", "BE"), ("33", "FR"), ("34", "ES"), ("36", "HU"), ("39", "IT"),
    ("40", "RO"), ("41", "CH"), ("43", "AT"), ("44", "GB"), ("45", "DK"), ("46", "SE"), ("47", "NO"), ("48", "PL"),
    ("49", "DE"), ("52", "MX"), ("54", "AR"), ("55", "BR"), ("56", "CL"), ("57", "CO"), ("60", "MY"), ("61", "AU"),
    ("62", "ID"), ("63", "PH"), ("64", "NZ"), ("65", "SG"), ("66", "TH"), ("81", "JP"), ("82", "KR"), ("84", "VN"),
    ("86", "CN"), ("90", "TR"), ("91", "IN"), ("92", "PK"),
  ]
}
