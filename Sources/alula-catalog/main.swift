import Alula
let x = try Tensor([1,2,3], shape: [3]); try x.setRequiresGradient(true)
let y = try (x*x).sum(); try Autograd.backward([y]); print(try y.item(), try x.gradient!.values(as: Float.self))
