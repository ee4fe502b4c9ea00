import Synchronization

/// Hands out the tasks of strips to the threads of a parallel loop, one for each chunk.
///
/// A thread that has begun a strip, and packed what the strip's tasks share, stays with it while there are tasks left. Then it
/// begins another, and when all are begun it helps where most is left: so strips are packed once, most often, and no thread
/// waits for a slower one's strip.
struct StripTasks: ~Copyable, @unchecked Sendable {
  // Unchecked: threads share nothing but atomics.

  struct Task {
    let strip: Int
    let index: Int
  }

  private let strips: Int
  /// The tasks of a strip.
  private let each: Int
  /// By strip, how many tasks were taken; more than there are when several threads asked for the last.
  private let taken: UnsafeMutablePointer<Atomic<Int>>
  private let memory: Scratch

  /// nil when there is no memory.
  init?(strips: Int, each: Int) {
    guard let memory = Scratch(strips, size: MemoryLayout<Atomic<Int>>.stride) else { return nil }
    taken = memory.pointer.bindMemory(to: Atomic<Int>.self, capacity: strips)
    for strip in 0..<strips { (taken + strip).initialize(to: Atomic(0)) }
    self.memory = memory
    self.strips = strips
    self.each = each
  }

  /// The task that a thread has for a chunk; nil, with as many chunks as tasks, for none.
  func take(after last: Task?, chunk: Int, direction: Int) -> Task? {
    // A single strip's tasks go by chunk, so that threads keep to their end of it.
    if strips == 1 { return Task(strip: 0, index: chunk) }
    if let last, let task = take(from: last.strip) { return task }
    for i in 0..<strips {
      let strip = direction > 0 ? i : strips - 1 - i
      if taken[strip].compareExchange(expected: 0, desired: 1, ordering: .relaxed).exchanged {
        return Task(strip: strip, index: 0)
      }
    }
    while true {
      var (strip, fewest) = (0, each)
      for i in 0..<strips {
        let count = taken[i].load(ordering: .relaxed)
        if count < fewest { (strip, fewest) = (i, count) }
      }
      if fewest == each { return nil }
      if let task = take(from: strip) { return task }
    }
  }

  private func take(from strip: Int) -> Task? {
    let index = taken[strip].wrappingAdd(1, ordering: .relaxed).oldValue
    return index < each ? Task(strip: strip, index: index) : nil
  }

  /// What a thread most likely takes after a task.
  func following(_ task: Task, direction: Int) -> Task? {
    if strips == 1 {
      let index = task.index + direction
      return index >= 0 && index < each ? Task(strip: 0, index: index) : nil
    }
    if task.index + 1 < each { return Task(strip: task.strip, index: task.index + 1) }
    let strip = task.strip + direction
    return strip >= 0 && strip < strips ? Task(strip: strip, index: 0) : nil
  }
}
