// In which time zone a phone number's country lies, where it lies in one only.

/// By country code; a country of several zones is left out, or told apart by its area codes where those tell.
enum PhoneTimeZones {
  /// - Parameter address: E.164.
  /// - Returns: an IANA name; nil where the number alone does not say.
  static func zone(of address: String) -> String? {
    guard address.first == "+" else { return nil }
    let digits = address.dropFirst()
    guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), digits.count >= 7 else { return nil }
    if digits.first == "1" { return NorthAmericanAreas.zone(of: digits.dropFirst().prefix(3)) }
    // The longest code first: country codes are no prefixes of each other, areas within a country are.
    for length in stride(from: 4, through: 1, by: -1) {
      if let zone = zones[digits.prefix(length)] { return zone }
    }
    return nil
  }

  private static let zones: [Substring: String] = {
    var zones: [Substring: String] = [:]
    for line in table.split(separator: "\n") {
      let words = line.split(separator: " ")
      for code in words.dropFirst() { zones[code] = String(words[0]) }
    }
    return zones
  }()

  /// Left out, since a number does not tell: most of Australia's, Spain (the Canaries), Portugal (the Azores), Russia,
  /// Mexico, Indonesia, Chile, Ecuador, the Congo, Mongolia.
  private static let table = """
    Africa/Cairo 20
    Africa/Johannesburg 27
    Africa/Casablanca 212
    Africa/Algiers 213
    Africa/Tunis 216
    Africa/Tripoli 218
    Africa/Dakar 221
    Africa/Abidjan 225
    Africa/Accra 233
    Africa/Lagos 234
    Africa/Douala 237
    Africa/Luanda 244
    Africa/Kigali 250
    Africa/Addis_Ababa 251
    Africa/Nairobi 254
    Africa/Dar_es_Salaam 255
    Africa/Kampala 256
    Africa/Maputo 258
    Africa/Lusaka 260
    Indian/Antananarivo 261
    Africa/Harare 263
    Africa/Windhoek 264
    Africa/Gaborone 267
    Europe/Athens 30
    Europe/Amsterdam 31
    Europe/Brussels 32
    Europe/Paris 33
    Europe/Budapest 36
    Europe/Rome 39
    Europe/Bucharest 40
    Europe/Zurich 41
    Europe/Vienna 43
    Europe/London 44
    Europe/Copenhagen 45
    Europe/Stockholm 46
    Europe/Oslo 47
    Europe/Warsaw 48
    Europe/Berlin 49
    Europe/Gibraltar 350
    Europe/Luxembourg 352
    Europe/Dublin 353
    Atlantic/Reykjavik 354
    Europe/Tirane 355
    Europe/Malta 356
    Asia/Nicosia 357
    Europe/Helsinki 358
    Europe/Sofia 359
    Europe/Vilnius 370
    Europe/Riga 371
    Europe/Tallinn 372
    Europe/Chisinau 373
    Asia/Yerevan 374
    Europe/Minsk 375
    Europe/Andorra 376
    Europe/Monaco 377
    Europe/San_Marino 378
    Europe/Kyiv 380
    Europe/Belgrade 381 383
    Europe/Podgorica 382
    Europe/Zagreb 385
    Europe/Ljubljana 386
    Europe/Sarajevo 387
    Europe/Skopje 389
    Europe/Prague 420
    Europe/Bratislava 421
    Europe/Vaduz 423
    America/Belize 501
    America/Guatemala 502
    America/El_Salvador 503
    America/Tegucigalpa 504
    America/Managua 505
    America/Costa_Rica 506
    America/Panama 507
    America/Lima 51
    America/Havana 53
    America/Argentina/Buenos_Aires 54
    America/Sao_Paulo 551 552 553 554 5561 5562 5563 5564
    America/Bahia 557
    America/Fortaleza 558
    America/Cuiaba 5565 5566
    America/Campo_Grande 5567
    America/Rio_Branco 5568
    America/Porto_Velho 5569
    America/Belem 5591 5593 5594 5596
    America/Manaus 5592 5597
    America/Boa_Vista 5595
    America/Fortaleza 5598 5599
    America/Bogota 57
    America/Caracas 58
    America/La_Paz 591
    America/Guyana 592
    America/Asuncion 595
    America/Paramaribo 597
    America/Montevideo 598
    Asia/Kuala_Lumpur 60
    Australia/Sydney 612
    Australia/Melbourne 613
    Australia/Brisbane 617
    Asia/Manila 63
    Pacific/Auckland 64
    Asia/Singapore 65
    Asia/Bangkok 66
    Asia/Almaty 76 77
    Asia/Tokyo 81
    Asia/Seoul 82
    Asia/Ho_Chi_Minh 84
    Asia/Shanghai 86
    Asia/Hong_Kong 852
    Asia/Macau 853
    Asia/Phnom_Penh 855
    Asia/Vientiane 856
    Asia/Dhaka 880
    Asia/Taipei 886
    Europe/Istanbul 90
    Asia/Kolkata 91
    Asia/Karachi 92
    Asia/Kabul 93
    Asia/Colombo 94
    Asia/Yangon 95
    Asia/Tehran 98
    Indian/Maldives 960
    Asia/Beirut 961
    Asia/Amman 962
    Asia/Damascus 963
    Asia/Baghdad 964
    Asia/Kuwait 965
    Asia/Riyadh 966
    Asia/Aden 967
    Asia/Muscat 968
    Asia/Dubai 971
    Asia/Jerusalem 972
    Asia/Bahrain 973
    Asia/Qatar 974
    Asia/Thimphu 975
    Asia/Kathmandu 977
    Asia/Dushanbe 992
    Asia/Ashgabat 993
    Asia/Baku 994
    Asia/Tbilisi 995
    Asia/Bishkek 996
    Asia/Tashkent 998
    """
}
