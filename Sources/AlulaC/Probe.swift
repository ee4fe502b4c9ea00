import CAlula
import Alula
@_cdecl("alula_probe") @implementation
public func alula_probe(_ out: UnsafeMutablePointer<Int32>?) -> alula_status {
  out?.pointee = Int32(probe())
  return ALULA_OK
}
