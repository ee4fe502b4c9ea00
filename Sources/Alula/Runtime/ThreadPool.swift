import CSupport
import Glibc
import Synchronization

/// The worker threads that parallel loops share.
///
/// A loop's range is cut into chunks by size, never by the number of threads, and each chunk is claimed by
/// whoever is free: the caller claims from the front, the workers from the back, so that consecutive loops over the
/// same memory find its parts in the same caches, as far as that goes. So a result cannot depend on the thread count, and a
/// thread that the system suspends delays nothing but the chunk it holds; for that it gets the processor of the caller that
/// waits. Workers start on first use, sleep when idle, and are started anew in the child of a `fork`.
public enum ThreadPool {
  /// The largest number of threads that may be asked for.
  public static let maximumThreadCount = 256

  /// The number of threads that a loop may use, its caller included.
  ///
  /// At first `ALULA_NUM_THREADS`, when that is a valid number, capped by the processors the process may run on.
  /// Values are clamped to `1...maximumThreadCount`. Any thread may set it; loops that already run are not affected.
  public static var threadCount: Int {
    get { WorkerPool.shared.threadCount }
    set { WorkerPool.shared.setThreadCount(newValue) }
  }

  /// Calls `body` for consecutive ranges of `grain` indices (the last may be shorter) that cover `0..<count`, on
  /// several threads at once, and returns when all are done.
  ///
  /// The ranges are the same whatever the number of threads, so a reduction may keep a partial result per range, at
  /// `range.lowerBound / grain`. Loops inside `body` run on its thread, and so do small loops and those that another
  /// thread's loop finds the workers busy with.
  public static func parallelFor(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    if count > 0, count <= grain { return body(0..<count) }
    parallelChunks(count, grain: grain) { chunks in
      while let range = chunks.next() { body(range) }
    }
  }

  /// Like `parallelFor`, but `body` takes the ranges one after the other, as many as its thread comes to, so that it may
  /// keep something from one to the next. A body that returns before it has taken all leaves some out.
  public static func parallelChunks(_ count: Int, grain: Int, _ body: (inout Chunks) -> Void) {
    guard count > 0 else { return }
    let grain = max(grain, 1)
    let chunks = (count - 1) / grain + 1
    if chunks == 1 || chunks > WorkerPool.maximumChunkCount || csupport_current_thread().pointee.in_parallel
      || !WorkerPool.shared.run(count, grain: grain, chunks: UInt32(chunks), body)
    {
      // Here, too, loops inside the body find that they are inside one.
      let thread = csupport_current_thread()
      let isNested = thread?.pointee.in_parallel ?? false
      thread?.pointee.in_parallel = isNested || chunks > 1
      defer { thread?.pointee.in_parallel = isNested }
      var chunks = Chunks(alone: count, grain: grain)
      body(&chunks)
    }
  }

  /// The ranges of a parallel loop that one thread comes to.
  public struct Chunks: ~Copyable {
    private let count: Int
    private let grain: Int
    /// Shared with other threads, which claim from the other end.
    private let isShared: Bool
    private let fromBack: Bool
    /// Where the next range starts, if it is claimed already.
    private var start: Int?
    private var hasTaken = false

    fileprivate init(alone count: Int, grain: Int) {
      (self.count, self.grain) = (count, grain)
      (isShared, fromBack) = (false, false)
      start = 0
    }

    fileprivate init(claimed index: Int, of count: Int, grain: Int, fromBack: Bool) {
      (self.count, self.grain, self.fromBack) = (count, grain, fromBack)
      isShared = true
      start = index * grain
    }

    /// From a range to the one that follows, most likely: they are claimed in this order.
    public var direction: Int { fromBack ? -1 : 1 }

    /// The next range, which ends the one before; nil when there is none left.
    public mutating func next() -> Range<Int>? {
      if isShared, hasTaken {
        guard let index = WorkerPool.shared.claim(fromBack: fromBack) else { return nil }
        // The last chunk is done only when the body has returned: until then, the caller waits for it.
        WorkerPool.shared.finishChunk()
        start = index * grain
      }
      guard let first = start else { return nil }
      hasTaken = true
      let end = first + min(grain, count - first)
      start = end < count ? end : nil
      return first..<end
    }
  }
}

/// The state behind `ThreadPool`: one loop at a time, and the workers that help with it.
private final class WorkerPool: @unchecked Sendable {
  // `loop` is written by the holder of `busy` while no chunk is outstanding and read by holders of a chunk;
  // everything else is atomic.

  static let shared = WorkerPool()

  static let maximumChunkCount = Int(UInt32.max >> 1)

  /// Marks, in `unfinished`, that the caller sleeps until the count is zero.
  private static let callerSleeps: UInt32 = 1 << 31

  /// How often an idle worker looks for work before it sleeps: 100 to 200 microseconds, which bridge the small operations
  /// between two large ones. Beside a busy process a quarter of that: else it uses up its share of a core that the other
  /// wants, and lacks it when there is work (a training step: 53 to 43 ms, where 27 is alone).
  private static let idleSpins = 4_000
  private static let busyIdleSpins = 1_000
  /// For how many loops the machine counts as busy after a worker was found suspended.
  private static let busyLoops: UInt32 = 2_000

  /// How often the caller looks for the last chunks' end before it sees whether their threads advance, and then before it
  /// sleeps.
  private static let firstSpins = 1_000
  private static let finishSpins = 3_000

  private struct Loop {
    var body: UnsafePointer<(inout ThreadPool.Chunks) -> Void>?
    var count = 0
    var grain = 1
  }

  /// Atomic words, each alone on a pair of cache lines.
  private struct Words: ~Copyable {
    let word = Atomic<UInt32>(0)
    private let padding: (SIMD16<UInt64>, SIMD16<UInt64>) = (.zero, .zero)
  }

  /// Chunks of the current loop that nobody has claimed: where they end in the upper half, where they begin in the
  /// lower. Alone on a pair of cache lines.
  private struct Unclaimed: ~Copyable {
    let bounds = Atomic<UInt64>(0)
    private let padding: (SIMD16<UInt64>, SIMD16<UInt64>) = (.zero, .zero)

    static func isEmpty(_ bounds: UInt64) -> Bool { bounds >> 32 <= bounds & 0xFFFF_FFFF }
  }

  private let unclaimed: UnsafeMutablePointer<Unclaimed>
  private let words: UnsafeMutablePointer<Words>
  private let loop: UnsafeMutablePointer<Loop>

  /// Chunks of the current loop that are not done, and `callerSleeps`.
  private var unfinished: UnsafeMutablePointer<Words> { words }
  /// Changes whenever workers should look around; they sleep on it.
  private var signal: UnsafeMutablePointer<Words> { words + 1 }
  /// Workers that sleep or are about to.
  private var sleepers: UnsafeMutablePointer<Words> { words + 2 }
  /// 1 while a loop runs.
  private var busy: UnsafeMutablePointer<Words> { words + 3 }
  /// The processor that the loop's caller was on when the loop began, or `anyProcessor`.
  private var callerProcessor: UnsafeMutablePointer<Words> { words + 4 }
  /// The loops for which the machine still counts as busy.
  private var busyLoopsLeft: UnsafeMutablePointer<Words> { words + 5 }
  /// By worker, the kernel's number of its thread while it may hold a chunk, or `wasBrought`; otherwise 0.
  private var holders: UnsafeMutablePointer<Words> { words + 6 }
  private static let anyProcessor = UInt32.max
  /// Marks a worker that was brought to the caller's processor.
  private static let wasBrought = UInt32.max

  private let targetThreadCount: Atomic<Int>
  private let processorCount: Int
  /// Counts the changes of `targetThreadCount`; workers of an older generation leave.
  private let generation = Atomic<UInt32>(0)
  /// The workers started, and for which generation; owned by the holder of `busy`.
  private let startedGeneration = Atomic<UInt32>(0)
  private let startedWorkers = Atomic<Int>(0)

  private init() {
    unclaimed = .allocate(capacity: 1)
    unclaimed.initialize(to: Unclaimed())
    let wordCount = 6 + ThreadPool.maximumThreadCount
    words = .allocate(capacity: wordCount)
    for i in 0..<wordCount { (words + i).initialize(to: Words()) }
    loop = .allocate(capacity: 1)
    loop.initialize(to: Loop())
    processorCount = Int(csupport_affinity_count())
    targetThreadCount = Atomic(Self.defaultThreadCount(processorCount))
    _ = pthread_atfork(nil, nil, { WorkerPool.shared.resetAfterFork() })
  }

  private static func defaultThreadCount(_ available: Int) -> Int {
    var count = available
    if let text = getenv("ALULA_NUM_THREADS"), let number = Int(String(cString: text)), number > 0 {
      count = min(number, available)
    }
    return min(count, ThreadPool.maximumThreadCount)
  }

  /// Whether each thread may have a processor of its own.
  private var fitsProcessors: Bool { threadCount <= processorCount }

  var threadCount: Int { targetThreadCount.load(ordering: .relaxed) }

  func setThreadCount(_ count: Int) {
    let count = min(max(count, 1), ThreadPool.maximumThreadCount)
    guard targetThreadCount.exchange(count, ordering: .relaxed) != count else { return }
    generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
    wakeWorkers(Int32.max)
  }

  /// The child has none of the workers, and perhaps a lock that another thread held.
  private func resetAfterFork() {
    unclaimed.pointee.bounds.store(0, ordering: .relaxed)
    unfinished.pointee.word.store(0, ordering: .relaxed)
    sleepers.pointee.word.store(0, ordering: .relaxed)
    for i in 0..<ThreadPool.maximumThreadCount { holders[i].word.store(0, ordering: .relaxed) }
    startedWorkers.store(0, ordering: .relaxed)
    // A thread that forks inside a loop's body finishes its chunk inline; nobody waits for the rest.
    busy.pointee.word.store(0, ordering: .releasing)
  }

  // MARK: - The caller

  /// Runs the loop with the workers' help. False, having done nothing, when there is one thread only or another
  /// caller's loop is running.
  func run(_ count: Int, grain: Int, chunks: UInt32, _ body: (inout ThreadPool.Chunks) -> Void) -> Bool {
    guard threadCount > 1,
      busy.pointee.word.compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged
    else { return false }
    defer { busy.pointee.word.store(0, ordering: .releasing) }
    startWorkers()
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { body in
        loop.pointee = Loop(body: body, count: count, grain: grain)
        unfinished.pointee.word.store(chunks, ordering: .relaxed)
        let busyLoops = busyLoopsLeft.pointee.word.load(ordering: .relaxed)
        if busyLoops > 0 { busyLoopsLeft.pointee.word.store(busyLoops - 1, ordering: .relaxed) }
        callerProcessor.pointee.word.store(
          fitsProcessors ? UInt32(bitPattern: csupport_processor()) : Self.anyProcessor, ordering: .relaxed)
        // Publishes the loop: whoever claims a chunk has acquired this store or one that follows from it.
        unclaimed.pointee.bounds.store(UInt64(chunks) << 32, ordering: .sequentiallyConsistent)
        wakeWorkers(Int32(min(chunks - 1, UInt32(startedWorkers.load(ordering: .relaxed)))))
        let thread = csupport_current_thread()
        thread?.pointee.in_parallel = true
        runChunks(fromBack: false)
        thread?.pointee.in_parallel = false
        waitForUnfinished()
      }
    }
    return true
  }

  private func wakeWorkers(_ count: Int32) {
    signal.pointee.word.wrappingAdd(1, ordering: .sequentiallyConsistent)
    if sleepers.pointee.word.load(ordering: .sequentiallyConsistent) > 0 { csupport_futex_wake(signal, count) }
  }

  private func waitForUnfinished() {
    if isFinished(within: Self.firstSpins) { return }
    let isStalled = withUnsafeTemporaryAllocation(of: Int64.self, capacity: startedWorkers.load(ordering: .relaxed)) {
      times in
      for i in 0..<times.count { times[i] = processorTime(ofHolder: i) }
      if isFinished(within: Self.firstSpins) { return false }
      return bringStalled(since: times)
    }
    if !isStalled, isFinished(within: Self.finishSpins) { return }
    var seen = unfinished.pointee.word.bitwiseOr(Self.callerSleeps, ordering: .acquiring).newValue
    while seen != Self.callerSleeps {
      csupport_futex_wait(unfinished, seen)
      seen = unfinished.pointee.word.load(ordering: .acquiring)
    }
  }

  private func isFinished(within spins: Int) -> Bool {
    for _ in 0..<spins {
      if unfinished.pointee.word.load(ordering: .acquiring) == 0 { return true }
      csupport_pause()
    }
    return unfinished.pointee.word.load(ordering: .acquiring) == 0
  }

  /// -1 for a worker that holds no chunk.
  private func processorTime(ofHolder i: Int) -> Int64 {
    let number = holders[i].word.load(ordering: .relaxed)
    return number == 0 || number == Self.wasBrought ? -1 : csupport_processor_time(Int32(bitPattern: number))
  }

  /// Lends the caller's processor to a worker that holds a chunk and has not run since it had used these processor times:
  /// beside a process that wants its processor, it would have to wait for some milliseconds, and so would the caller (an
  /// LSTM's training step beside such a process: 9.8 to 7.9 ms).
  private func bringStalled(since times: UnsafeMutableBufferPointer<Int64>) -> Bool {
    for i in 0..<times.count where times[i] >= 0 {
      let number = holders[i].word.load(ordering: .relaxed)
      guard number != 0, number != Self.wasBrought, processorTime(ofHolder: i) == times[i],
        holders[i].word.compareExchange(expected: number, desired: Self.wasBrought, ordering: .relaxed).exchanged
      else { continue }
      csupport_bring_thread(Int32(bitPattern: number))
      busyLoopsLeft.pointee.word.store(Self.busyLoops, ordering: .relaxed)
      return true
    }
    return false
  }

  // MARK: - Everybody

  /// Claims and runs chunks until none is left to claim.
  private func runChunks(fromBack: Bool) {
    while let index = claim(fromBack: fromBack) {
      runChunks(from: index, fromBack: fromBack)
      finishChunk()
    }
  }

  /// The index of a chunk that nobody else has or will claim; nil when none is left.
  func claim(fromBack: Bool) -> Int? {
    var bounds = unclaimed.pointee.bounds.load(ordering: .relaxed)
    while !Unclaimed.isEmpty(bounds) {
      let (exchanged, original) = unclaimed.pointee.bounds.compareExchange(
        expected: bounds, desired: fromBack ? bounds - (1 << 32) : bounds + 1, ordering: .acquiringAndReleasing)
      if exchanged { return Int(fromBack ? (bounds >> 32) - 1 : bounds & 0xFFFF_FFFF) }
      bounds = original
    }
    return nil
  }

  func finishChunk() {
    let remaining = unfinished.pointee.word.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
    if remaining == Self.callerSleeps { csupport_futex_wake(unfinished, 1) }
  }

  /// Calls the body with a claimed chunk; of those that it claims then, the last is left to be finished. Not inlined, so
  /// that no reference to the body outlives it.
  @inline(never)
  private func runChunks(from index: Int, fromBack: Bool) {
    guard let body = loop.pointee.body else { return }
    var chunks = ThreadPool.Chunks(
      claimed: index, of: loop.pointee.count, grain: loop.pointee.grain, fromBack: fromBack)
    body.pointee(&chunks)
  }

  // MARK: - The workers

  private func startWorkers() {
    let current = generation.load(ordering: .sequentiallyConsistent)
    if startedGeneration.load(ordering: .relaxed) != current {
      startedGeneration.store(current, ordering: .relaxed)
      startedWorkers.store(0, ordering: .relaxed)
    }
    var started = startedWorkers.load(ordering: .relaxed)
    let wanted = threadCount - 1
    guard started < wanted else { return }

    // The host's signal handlers belong on the host's threads.
    var all = sigset_t()
    var previous = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &previous)
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
    while started < wanted {
      var thread = pthread_t()
      let result = pthread_create(
        &thread, &attributes,
        { argument in
          let argument = UInt64(UInt(bitPattern: argument))
          WorkerPool.shared.work(generation: UInt32(truncatingIfNeeded: argument), index: Int(argument >> 32))
          return nil
        }, UnsafeMutableRawPointer(bitPattern: UInt(truncatingIfNeeded: UInt64(started) << 32 | UInt64(current))))
      // Fewer threads do the same work: try again with the next loop.
      if result != 0 { break }
      started += 1
    }
    pthread_attr_destroy(&attributes)
    pthread_sigmask(SIG_SETMASK, &previous, nil)
    startedWorkers.store(started, ordering: .relaxed)
  }

  private func work(generation mine: UInt32, index: Int) {
    csupport_current_thread().pointee.in_parallel = true
    let number = UInt32(bitPattern: csupport_thread_number())
    let holder = holders + index
    while true {
      let seen = signal.pointee.word.load(ordering: .sequentiallyConsistent)
      if generation.load(ordering: .sequentiallyConsistent) != mine { return }
      // Beside a busy process, the system may keep both on one processor for good.
      if callerProcessor.pointee.word.load(ordering: .relaxed) == UInt32(bitPattern: csupport_processor()) {
        csupport_leave_processor()
      }
      holder.pointee.word.store(number, ordering: .relaxed)
      runChunks(fromBack: true)
      let wasBrought = holder.pointee.word.load(ordering: .relaxed) == Self.wasBrought
      holder.pointee.word.store(0, ordering: .relaxed)
      // The caller goes on here.
      if wasBrought { csupport_leave_processor() }
      let patience = busyLoopsLeft.pointee.word.load(ordering: .relaxed) > 0 ? Self.busyIdleSpins : Self.idleSpins
      var spins = 0
      while spins < patience, signal.pointee.word.load(ordering: .relaxed) == seen {
        csupport_pause()
        spins += 1
      }
      guard spins == patience else { continue }
      sleepers.pointee.word.wrappingAdd(1, ordering: .sequentiallyConsistent)
      if Unclaimed.isEmpty(unclaimed.pointee.bounds.load(ordering: .sequentiallyConsistent)) {
        csupport_futex_wait(signal, seen)
      }
      sleepers.pointee.word.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }
  }
}
