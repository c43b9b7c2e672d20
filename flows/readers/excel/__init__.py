"""Read workbooks (.xlsx, .ods): the cells of one sheet as texts that go the way of CSV cells."""
