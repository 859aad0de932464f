// The valid word that a person most likely meant.

enum NearestWord {
  /// The candidate with the fewest edits (an insertion, deletion, replacement or swap of neighbours), if they are few
  /// for the word's length; else one that contains the word or is contained in it. Case, `_` and `-` do not count.
  static func find(_ word: String, among candidates: some Sequence<String>) -> String? {
    let folded = fold(word)
    guard !folded.isEmpty else { return nil }
    let limit = max(1, folded.count / 3)
    var best: (candidate: String, distance: Int)?
    var related: String?
    for candidate in candidates where candidate != word {
      let foldedCandidate = fold(candidate)
      let distance = distance(from: folded, to: foldedCandidate)
      // A word replaced letter by letter is another word.
      if distance <= limit, distance < max(folded.count, foldedCandidate.count), distance < best?.distance ?? .max {
        best = (candidate, distance)
      }
      let (short, long) =
        folded.count < foldedCandidate.count ? (folded, foldedCandidate) : (foldedCandidate, folded)
      if related == nil, short.count >= 3, contains(long, short) { related = candidate }
    }
    return best?.candidate ?? related
  }

  /// `; did you mean …?`, or nothing.
  static func suggestion(for word: String, among candidates: some Sequence<String>) -> String {
    find(word, among: candidates).map { "; did you mean `\($0)`?" } ?? ""
  }

  /// Damerau and Levenshtein's distance in its restricted form: no part is edited twice.
  static func distance(from source: [Character], to target: [Character]) -> Int {
    if source.isEmpty || target.isEmpty { return max(source.count, target.count) }
    var beforePrevious: [Int] = []
    var previous = Array(0...target.count)
    for row in 1...source.count {
      var current = [row]
      for column in 1...target.count {
        let isSame = source[row - 1] == target[column - 1]
        var cost = min(previous[column] + 1, current[column - 1] + 1, previous[column - 1] + (isSame ? 0 : 1))
        if row > 1, column > 1, source[row - 1] == target[column - 2], source[row - 2] == target[column - 1] {
          cost = min(cost, beforePrevious[column - 2] + 1)
        }
        current.append(cost)
      }
      (beforePrevious, previous) = (previous, current)
    }
    return previous[target.count]
  }

  /// A long word is cut: it is near to no word of ours, and the table is quadratic.
  private static func fold(_ word: String) -> [Character] {
    Array(word.prefix(64).lowercased().filter { $0 != "_" && $0 != "-" })
  }

  private static func contains(_ long: [Character], _ short: [Character]) -> Bool {
    long.indices.dropLast(short.count - 1).contains { long[$0...].starts(with: short) }
  }
}
