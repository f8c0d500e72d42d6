#include "core/placement/engine_life.h"

#include <gmock/gmock.h>

namespace aigrid::placement {
namespace {

using testing::HasSubstr;
namespace ev = engine_event;

// Names of the actions, `SetAlarm` with its delay in ms (or `-`).
std::string names(const std::vector<EngineAction>& actions, Time now) {
  std::string out;
  for (const auto& action : actions) {
    static constexpr const char* kNames[] = {"Launch",    "Probe", "Watch", "Unwatch",
                                             "Terminate", "Kill",  "Alarm", "Report"};
    out += (out.empty() ? "" : " ") + std::string(kNames[action.index()]);
    if (const auto* alarm = std::get_if<engine_action::SetAlarm>(&action)) {
      out += alarm->at == kNever ? "-" : std::to_string(to_ms(alarm->at - now));
    }
  }
  return out;
}

class Life : public testing::Test {
 protected:
  std::string on(EngineEvent event, EngineLife& life) { return names(life.on_event(event, now), now); }
  std::string on(EngineEvent event) { return on(std::move(event), spawned); }
  void to_ready() {
    on(ev::Start{});
    on(ev::Launched{});
    on(ev::ProbeOk{});
    ASSERT_TRUE(spawned.ready());
  }

  Time now{Duration(1000s)};
  EngineLife spawned{EngineLimits{}, false, 1};
  EngineLife adopted{EngineLimits{}, true, 1};
};

TEST_F(Life, StartsProbesAndIsReady) {
  EXPECT_EQ(on(ev::Start{}), "Alarm- Launch Report");
  EXPECT_EQ(spawned.state_name(), "starting");
  EXPECT_EQ(on(ev::Launched{}), "Probe");
  EXPECT_EQ(on(ev::ProbeFailed{"503"}), "Alarm200 Report");
  EXPECT_EQ(on(ev::Alarm{}), "Probe");
  EXPECT_EQ(on(ev::ProbeFailed{"503"}), "Alarm200");  // nothing new to say
  EXPECT_EQ(on(ev::ProbeOk{}), "Alarm60000 Watch Report");
  EXPECT_EQ(spawned.state_name(), "ready");
  EXPECT_EQ(spawned.reason(), "");
}

TEST_F(Life, AnEngineThatDiesAtOnceIsStartedEverMoreSeldom) {
  Duration last{0};
  for (int i = 0; i < 12; ++i) {
    i == 0 ? on(ev::Start{}) : on(ev::Alarm{});
    ASSERT_EQ(spawned.state(), EngineLife::State::Launching);
    on(ev::Launched{});
    const auto& actions = spawned.on_event(ev::Exited{"exited with code 1"}, now);
    Time at = kNever;
    for (const auto& a : actions) {
      if (const auto* alarm = std::get_if<engine_action::SetAlarm>(&a)) at = alarm->at;
    }
    ASSERT_NE(at, kNever);
    const Duration wait = at - now;
    EXPECT_LE(wait, 30s);
    if (i < 6) {
      EXPECT_GE(wait, (250ms) * (1 << i));
      EXPECT_LE(wait, (500ms) * (1 << i));
    } else {
      EXPECT_GE(wait, 15s);
    }
    last = wait;
    now = at;
  }
  EXPECT_EQ(spawned.failures(), 12U);
  EXPECT_EQ(spawned.state_name(), "failed");
  EXPECT_THAT(spawned.reason(), HasSubstr("exited with code 1; tried again in"));
  EXPECT_GT(last, Duration(0));
}

TEST_F(Life, TheBackOffBeginsAfreshOnceItWasSteady) {
  on(ev::Start{});
  for (int i = 0; i < 4; ++i) {
    on(ev::Launched{});
    on(ev::Exited{"x"});
    on(ev::Alarm{});
  }
  on(ev::Launched{});
  on(ev::ProbeOk{});
  now += 60s;
  EXPECT_EQ(on(ev::Alarm{}), "");
  const auto& actions = spawned.on_event(ev::Exited{"x"}, now);
  const auto* alarm = std::get_if<engine_action::SetAlarm>(&actions[1]);
  ASSERT_NE(alarm, nullptr);
  EXPECT_LE(alarm->at - now, 500ms);
}

TEST_F(Life, NotReadyInTimeIsKilledAndWaitedFor) {
  on(ev::Start{});
  on(ev::Launched{});
  now += 180s;
  EXPECT_THAT(on(ev::ProbeFailed{"refused"}), HasSubstr("Unwatch Kill Alarm"));
  EXPECT_THAT(spawned.reason(), HasSubstr("not ready within 180.0 s: refused"));
  EXPECT_EQ(on(ev::Alarm{}), "Kill Alarm200");  // it still lives
  EXPECT_EQ(on(ev::Exited{"killed"}), "");      // expected
  EXPECT_EQ(on(ev::Alarm{}), "Alarm- Launch Report");
}

TEST_F(Life, AHangingEngineIsStartedAgain) {
  to_ready();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(on(ev::CheckFailed{"slow"}), "");
  EXPECT_EQ(on(ev::CheckOk{}), "");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(on(ev::CheckFailed{"slow"}), "");
  EXPECT_THAT(on(ev::CheckFailed{"slow"}), HasSubstr("Unwatch Kill Alarm"));
  EXPECT_FALSE(spawned.ready());
}

TEST_F(Life, StopIsPoliteThenNot) {
  to_ready();
  EXPECT_EQ(on(ev::Stop{}), "Unwatch Terminate Alarm5000 Report");
  EXPECT_EQ(spawned.state_name(), "stopping");
  EXPECT_EQ(on(ev::Stop{}), "");
  EXPECT_EQ(on(ev::Alarm{}), "Kill");
  EXPECT_EQ(on(ev::Exited{"killed"}), "Alarm- Report");
  EXPECT_TRUE(spawned.stopped());
}

TEST_F(Life, StopWhileLaunchingWaitsForTheLaunch) {
  on(ev::Start{});
  EXPECT_EQ(on(ev::Stop{}), "Unwatch Report");
  EXPECT_FALSE(spawned.stopped());
  EXPECT_EQ(on(ev::Launched{}), "Terminate Alarm5000");
  on(ev::Exited{"terminated"});
  EXPECT_TRUE(spawned.stopped());
}

TEST_F(Life, StopWhileWaitingIsImmediate) {
  on(ev::Start{});
  on(ev::LaunchFailed{"not found"});
  EXPECT_EQ(spawned.state_name(), "failed");
  EXPECT_EQ(on(ev::Stop{}), "Unwatch Alarm- Report");
  EXPECT_TRUE(spawned.stopped());
}

TEST_F(Life, AnAdoptedEngineIsProbedForEver) {
  EXPECT_EQ(on(ev::Start{}, adopted), "Alarm- Probe Report");
  now += 3600s;
  EXPECT_EQ(on(ev::ProbeFailed{"refused"}, adopted), "Alarm200 Report");
  EXPECT_EQ(adopted.state_name(), "failed");
  EXPECT_EQ(on(ev::Alarm{}, adopted), "Probe");
  EXPECT_EQ(on(ev::ProbeOk{}, adopted), "Alarm60000 Watch Report");
  EXPECT_EQ(on(ev::Stop{}, adopted), "Unwatch Alarm- Report");
  EXPECT_TRUE(adopted.stopped());
}

TEST_F(Life, LateEventsChangeNothing) {
  to_ready();
  EXPECT_EQ(on(ev::ProbeFailed{"late"}), "");
  EXPECT_EQ(on(ev::ProbeOk{}), "");
  EXPECT_EQ(on(ev::LaunchFailed{"late"}), "");
  EXPECT_TRUE(spawned.ready());
}

}  // namespace
}  // namespace aigrid::placement
