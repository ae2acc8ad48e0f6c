"""What a forked process finds imported (`forked.py`).

So is what transformers makes in each process for the first model that it loads, and the compiled page of a report.
The objects of these imports are frozen: a garbage collection in a process would write to each, and the kernel would
copy a gigabyte of pages for it.
"""

import gc

from transformers.conversion_mapping import get_checkpoint_conversion_mapping
from transformers.models.llama import modeling_llama  # noqa: F401
from transformers.models.qwen2 import modeling_qwen2  # noqa: F401
from transformers.models.qwen3 import modeling_qwen3  # noqa: F401

import or1_trainer.train.build  # noqa: F401
from or1_trainer.report.write import page_template

get_checkpoint_conversion_mapping("llama")
page_template()
gc.collect()
gc.freeze()
