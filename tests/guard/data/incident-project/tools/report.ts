import { createClient } from '@supabase/supabase-js';

const supabase = createClient(process.env.SUPABASE_URL!, process.env.SUPABASE_ANON_KEY!);
const { data } = await supabase.from('bookings').select('id');
console.log(`${data?.length} bookings`);
