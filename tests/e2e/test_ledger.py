"""The mixed run in its short form: every request once, every token billed or waived, whoever leaves."""
import mixed_run


def test_aborts_at_any_moment_leave_the_ledger_and_the_engines_equal(grid):
    before_ledger, before_engines = mixed_run.quiet(grid)
    clients = mixed_run.Clients(grid, 30, seed=1).run()
    after_ledger, after_engines = mixed_run.quiet(grid)
    assert [a - b for a, b in zip(after_ledger, before_ledger)] == [a - b for a, b in zip(after_engines, before_engines)]
    missing, doubled = mixed_run.records(grid, clients.ids)
    assert clients.left and not missing and not doubled
