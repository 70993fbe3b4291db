"""colmatch inside hloc, glue-factory and deep-image-matching. Each module imports its host only when it is used.

    from colmatch.adapters import hloc; hloc.register()      # then {"name": "colmatch"} in hloc's confs
    from colmatch.adapters import gluefactory; gluefactory.register()
    from colmatch.adapters import deep_image_matching        # extractor_class(), matcher_class()

The hosts import torch: colmatch must be built with the same one (docs/python.md, Install).
"""
