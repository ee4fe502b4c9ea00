/// A source of random numbers.
public final class Generator: Sendable {
  public static let `default` = Generator()
}
