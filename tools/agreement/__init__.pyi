from .agreement import Agreement as Agreement, agree as agree
from .consensus import write_consensus as write_consensus
