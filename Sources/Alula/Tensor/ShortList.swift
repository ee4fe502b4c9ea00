/// A type with a value for a place that holds nothing. Optionals are such types: to wrap them once more would have every
/// copy of a list of them go through the runtime.
public protocol ListElement {
  static var none: Self { get }
}

extension Optional: ListElement {}

/// A list whose first three elements lie inline, so that the short lists of every call need no allocation.
@frozen
public struct ShortList<Element: ListElement> {
  @usableFromInline var first = Element.none
  @usableFromInline var second = Element.none
  @usableFromInline var third = Element.none
  @usableFromInline var rest: [Element] = []
  @usableFromInline var length = 0

  @inlinable public var count: Int { length }

  @inlinable @inline(__always)
  public init() {}

  @inlinable @inline(__always)
  public init(_ first: Element) {
    self.first = first
    length = 1
  }

  @inlinable @inline(__always)
  public init(_ first: Element, _ second: Element) {
    self.first = first
    self.second = second
    length = 2
  }

  @inlinable @inline(__always)
  public init(_ first: Element, _ second: Element, _ third: Element) {
    self.first = first
    self.second = second
    self.third = third
    length = 3
  }

  @inlinable
  public init(_ elements: some Sequence<Element>) {
    for element in elements { append(element) }
  }

  @inlinable @inline(__always)
  public mutating func append(_ element: Element) {
    switch count {
    case 0: first = element
    case 1: second = element
    case 2: third = element
    default: rest.append(element)
    }
    length &+= 1
  }
}

extension ShortList {
  /// Of a list that has one.
  @inlinable
  public mutating func removeLast() -> Element {
    let element = self[length - 1]
    length &-= 1
    switch length {
    case 0: first = .none
    case 1: second = .none
    case 2: third = .none
    default: rest.removeLast()
    }
    return element
  }
}

extension ShortList: Sendable where Element: Sendable {}

extension ShortList: RandomAccessCollection, MutableCollection {
  @inlinable public var startIndex: Int { 0 }
  @inlinable public var endIndex: Int { count }

  @inlinable @inline(__always)
  public subscript(i: Int) -> Element {
    get {
      switch i {
      case 0: first
      case 1: second
      case 2: third
      default: rest[i - 3]
      }
    }
    set {
      switch i {
      case 0: first = newValue
      case 1: second = newValue
      case 2: third = newValue
      default: rest[i - 3] = newValue
      }
    }
  }
}

extension ShortList {
  /// What `body` makes of an element, which is not copied for it.
  @inlinable @inline(__always)
  public func with<R>(_ i: Int, _ body: (Element) -> R) -> R {
    switch i {
    case 0: body(first)
    case 1: body(second)
    case 2: body(third)
    default: body(rest[i - 3])
    }
  }
}

extension ShortList: ExpressibleByArrayLiteral {
  @inlinable @inline(__always)
  public init(arrayLiteral elements: Element...) { self.init(elements) }
}
