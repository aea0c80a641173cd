"""Operations over HTTP; fulfils ``core.operation.Caller``."""
