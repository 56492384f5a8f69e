from .agreement import Agreement as Agreement, agree as agree, apart as apart
from .consensus import write_consensus as write_consensus
from .report import agreement_report as agreement_report
