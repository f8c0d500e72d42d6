#include "core/access/two_admins.h"

#include <gtest/gtest.h>

namespace aigrid::access {
namespace {

TEST(TwoAdmins, NobodyIsHisOwnSecond) {
  const KeyHolder anna{"anna"};
  const KeyHolder ben{"ben", "anna"};
  const KeyHolder carl{"carl", "ben"};
  EXPECT_TRUE(no_second_person(anna, anna));
  EXPECT_TRUE(no_second_person(anna, ben)) << "she made his key and may have kept it";
  EXPECT_TRUE(no_second_person(ben, anna)) << "then it is hers, too, that asks";
  EXPECT_FALSE(no_second_person(anna, carl));
  EXPECT_FALSE(no_second_person(anna, KeyHolder{"ben"})) << "renewed: she does not have it any more";
  EXPECT_NE(no_second_person(anna, ben)->find("aigrid admin renew"), std::string::npos);
}

TEST(TwoAdmins, TheRuleBeginsWithTheFirstNamedAdminAndDoesNotEnd) {
  const KeyHolder root{"root", "", true};
  const KeyHolder anna{"anna"};
  EXPECT_FALSE(two_needed({false, false}));
  EXPECT_TRUE(two_needed({true, true}));
  EXPECT_TRUE(two_needed({true, false})) << "revoking everybody is no way round it";
  EXPECT_FALSE(two_needed_to_make_admin(root, {false, false}));
  EXPECT_TRUE(two_needed_to_make_admin(root, {true, true}));
  EXPECT_TRUE(two_needed_to_make_admin(anna, {true, true}));
  EXPECT_FALSE(two_needed_to_make_admin(root, {true, false})) << "nobody is left to approve";
}

}  // namespace
}  // namespace aigrid::access
