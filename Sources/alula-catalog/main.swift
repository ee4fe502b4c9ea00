import Alula
print(probe())
