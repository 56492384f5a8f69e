from .agreement import Agreement as Agreement, agree as agree, apart as apart
from .consensus import write_consensus as write_consensus
