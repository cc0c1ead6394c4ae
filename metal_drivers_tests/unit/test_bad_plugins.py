# SPDX-License-Identifier: Apache-2.0
"""A plugin that is only installed takes nothing over and nothing down."""

from typing import Any

from metal_drivers import conf, exceptions, plugins
from metal_drivers.selector import Candidate, CandidateState, Selector
from metal_drivers_tests.unit import bad_plugins, base, distributions

FAKE = 'watcher.metal.drivers.fake'


class BadPluginTestCase(base.TestCase):
    """With bad drivers installed."""

    def setUp(self) -> None:
        super().setUp()
        self.site = self.useFixture(distributions.Distributions())

    def install(self, sources: dict[str, str]) -> None:
        for name, source in sources.items():
            self.site.install_driver(name, source)

    def selector(self, pin: str | None = None, /, **sections: Any) -> Selector:
        if pin is not None:
            sections['metal_drivers'] = {'driver': pin}
        return Selector(self.conf(**sections))

    def candidates(self, **sections: Any) -> dict[str, Candidate]:
        found = self.selector(**sections).candidates()
        return {candidate.name: candidate for candidate in found}


class TestBroken(BadPluginTestCase):
    """All kinds of broken plugins beside each other."""

    kinds = bad_plugins.BROKEN | bad_plugins.UNDECIDED

    def setUp(self) -> None:
        super().setUp()
        self.install({name: each.source for name, each in self.kinds.items()})

    def test_each_is_recorded_with_one_line_that_helps(self) -> None:
        found = self.candidates(**{FAKE: {'nodes': 1}})
        for name, kind in self.kinds.items():
            candidate = found[name]
            detail = candidate.detail
            self.assertEqual(CandidateState.FAILED, candidate.state, name)
            self.assertIn(kind.said, detail, name)
            self.assertIn(f'uninstall acme-{name}', detail, name)
            self.assertTrue(detail.isprintable(), (name, detail))
            self.assertLess(len(detail), 500, name)
            if name not in {
                'library',
                'contract-newer',
                'contract-newer-minor',
            }:
                self.assertIn('report it to its author', detail, name)

    def test_others_are_found_as_ever(self) -> None:
        found = self.candidates(**{FAKE: {'nodes': 1}})
        self.assertLessEqual({'fake', 'ironic', 'maas'}, set(found))
        self.assertEqual(CandidateState.SELECTED, found['fake'].state)
        self.assertEqual(CandidateState.ABSENT, found['ironic'].state)
        self.assertEqual(len(self.kinds) + 3, len(found))

    def test_none_stands_in_the_way_of_auto(self) -> None:
        self.assertEqual(
            'fake', self.selector(**{FAKE: {'nodes': 1}}).select().name
        )
        self.assertEqual('ironic', self.selector().select().name)

    def test_each_is_refused_where_it_is_named(self) -> None:
        for name, kind in self.kinds.items():
            error = self.refusal(self.selector(name).select)
            self.assertIn(f'The driver {name} cannot be used', str(error))
            self.assertIn(kind.said, str(error))
            self.assertTrue(str(error).isprintable(), name)
            self.assertEqual(name, error.driver)

    def test_each_matters_where_it_has_a_section(self) -> None:
        sections = {
            f'watcher.metal.drivers.{name}': {'url': 'x'}
            for name in self.kinds
        }
        selection = self.selector(**sections, **{FAKE: {'nodes': 1}}).selection
        self.assertIsNotNone(selection.refusal)
        for candidate in selection.candidates:
            self.assertEqual(
                candidate.name in self.kinds or candidate.name == 'fake',
                candidate.mentioned,
                candidate.name,
            )

    def test_refused_where_it_has_a_section(self) -> None:
        for name in ('library', 'priority-text', 'state-exits'):
            section = {f'watcher.metal.drivers.{name}': {'url': 'x'}}
            chooser = self.selector(**section, **{FAKE: {'nodes': 1}})
            error = self.refusal(chooser.select)
            self.assertIn(self.kinds[name].said, str(error))
            self.assertEqual(name, error.driver)

    def test_a_fault_keeps_its_cause(self) -> None:
        installed = plugins.find_plugins()
        for name, cause in {
            'library': ModuleNotFoundError,
            'options-raise': LookupError,
            'metaclass': LookupError,
        }.items():
            self.assertIsInstance(installed.get(name).cause, cause)


class TestGreedy(BadPluginTestCase):
    """Drivers that would be configured by their own defaults."""

    def test_none_is_taken_for_being_installed(self) -> None:
        self.install(bad_plugins.GREEDY)
        self.assertEqual('ironic', self.selector().select().name)
        self.assertEqual(
            'fake', self.selector(**{FAKE: {'nodes': 1}}).select().name
        )

    def test_none_says_that_it_is_configured(self) -> None:
        self.install(bad_plugins.GREEDY)
        for name, candidate in self.candidates().items():
            if name in bad_plugins.GREEDY.keys() - {
                'always-half',  # for a reason of its own
                'elsewhere',  # its default cannot be read here
            }:
                self.assertEqual(CandidateState.ABSENT, candidate.state, name)
                self.assertTrue(
                    candidate.detail.startswith('not configured'), name
                )

    def test_each_is_taken_where_it_has_a_section(self) -> None:
        self.install(bad_plugins.GREEDY)
        for name in bad_plugins.GREEDY:
            section = {f'watcher.metal.drivers.{name}': {'base': '/mnt'}}
            try:
                chosen = self.selector(**section).select().name
            except exceptions.ConfigurationError as exc:
                chosen = str(exc.driver)
            self.assertEqual(name, chosen)

    def test_each_knows_an_empty_configuration(self) -> None:
        """Also where it is asked with the values alone."""
        self.install(bad_plugins.GREEDY)
        for name in (
            'port',
            'list',
            'bool',
            'float',
            'dict',
            'multi',
            'reference',
            'dollar',
        ):
            driver = plugins.find_plugins().get(name).cls
            assert driver is not None
            raw = {opt.dest: opt.default for opt in driver.get_config_opts()}
            parsed = conf.driver_values(self.conf(), name, driver)
            for values in (raw, parsed):
                state = driver.config_state(values)
                self.assertEqual('absent', state.status.value, name)

    def test_ready_and_lacking_something_is_incomplete(self) -> None:
        self.install({'odd': bad_plugins.GREEDY['ready-lacking']})
        section = {'watcher.metal.drivers.odd': {'token': 'x'}}
        error = self.refusal(self.selector(**section).select)
        self.assertEqual(('url',), error.options)

    def test_an_empty_list_is_not_what_is_required(self) -> None:
        source = bad_plugins.option("cfg.ListOpt('hosts', default=[])")
        self.install({'odd': source + '    required_options = ("hosts",)\n'})
        error = self.refusal(self.selector('odd').select)
        self.assertEqual(('hosts',), error.options)

    def test_a_default_that_is_new_at_each_call(self) -> None:
        self.install({'uuid': bad_plugins.GREEDY['uuid']})
        section = {'watcher.metal.drivers.uuid': {'base': '/mnt'}}
        config = self.conf(**section)
        for _ in range(2):
            self.assertEqual('uuid', Selector(config).select().name)
        self.assertEqual(
            Selector(config).load().config['me'],
            Selector(config).load().config['me'],
        )

    def test_options_that_watcher_has_registered_of_another_call(self) -> None:
        self.install({'uuid': bad_plugins.GREEDY['uuid']})
        section = {'watcher.metal.drivers.uuid': {'base': '/mnt'}}
        driver = plugins.find_plugins().get('uuid').cls
        assert driver is not None
        config = self.conf(**section)
        config.register_opts(
            driver.get_config_opts(), group='watcher.metal.drivers.uuid'
        )
        loaded = Selector(config).load()
        self.assertEqual(
            config['watcher.metal.drivers.uuid'].me, loaded.config['me']
        )

    def test_options_are_asked_for_once(self) -> None:
        self.install(
            {
                'counting': bad_plugins.options(
                    'cls.calls += 1\nreturn [cfg.StrOpt("url", help="U.")]\n'
                )
                + '    calls = 0\n    required_options = ("url",)\n'
            }
        )
        section = {'watcher.metal.drivers.counting': {'url': 'x'}}
        for _ in range(3):
            chooser = self.selector(**section)
            chooser.candidates()
            chooser.load()
        driver: Any = plugins.find_plugins().get('counting').cls
        self.assertEqual(1, driver.calls)
